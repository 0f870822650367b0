import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { Raw } from '../support/raw-http.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

test('a server that stopped leaves no socket, timer or listener, and the process ends', async () => {
  const args = ['--import', 'tsx', 'test/servers/leaves-nothing.ts']
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 60_000 })
  const { before, after } = JSON.parse(stdout) as Record<'before' | 'after', { listeners: number[] }>
  // What it held before it began was of what loads it.
  expect(after).toEqual({ held: [], listeners: before.listeners })
}, 60_000)

test('a client at rest holds no process back, be it that it listens', async () => {
  const args = ['--import', 'tsx', 'test/servers/client-at-rest.ts']
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 30_000 })
  expect(JSON.parse(stdout)).toEqual([])
}, 60_000)

test('starting where something listens already is refused, and leaves nothing', async () => {
  const first = new FastMCP({ name: 'first', version: '1.0.0' })
  const second = new FastMCP({ name: 'second', version: '1.0.0' })
  const { port, url, stop } = await first.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  await expect(second.start({ httpStream: { port, host: '127.0.0.1' } })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
  await stop()
  await expect(Raw.connect(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const again = await second.start({ httpStream: { port, host: '127.0.0.1' } })
  expect(again.url).toBe(url)
  await again.stop()
})

test('stopping lets what runs finish, and takes nothing new', async () => {
  let finish: (text: string) => void = () => {}
  const server = new FastMCP({ name: 'test', version: '1.0.0' }).addTool({
    name: 'slow',
    execute: () => new Promise((resolve) => (finish = resolve)),
  })
  const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  const connection = await Raw.connect(url)
  const answer = connection.ask2026('tools/call', { name: 'slow' })
  await expect.poll(() => finish.length).toBe(1)
  const stopped = server.stop()
  await expect
    .poll(() =>
      Raw.connect(url).then(
        () => 'open',
        () => 'refused',
      ),
    )
    .toBe('refused')
  finish('finished')
  expect((await answer).json).toMatchObject({ result: { content: [{ text: 'finished' }] } })
  await stopped
  await connection.closed()
})
