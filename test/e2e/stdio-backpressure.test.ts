/** A process that does not read its input must not make its client, or a proxy, keep all that was meant for it. */
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const file = new URL('../servers/stops-reading.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', file] }
const LONG = 'x'.repeat(3_000_000)

/** Bytes that this process keeps, in its heap and outside. */
function keptBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('calls that time out › keep a bounded part of their arguments, and calls succeed once the process reads', async () => {
  const client = await connected(COMMAND, { era: '2025-11-25' })
  const pid = Number((await client.callTool('take')).data)
  const before = keptBytes()
  const failures = []
  for (let call = 0; call < 60; call++)
    failures.push(await client.callTool('take', { LONG }, { timeoutMs: 20 }).catch((error: unknown) => error))
  expect(keptBytes() - before).toBeLessThan(60_000_000)
  expect(failures.at(-1)).toMatchObject({ name: 'ConnectionError', outcome: 'not begun' })
  expect(String(failures.at(-1))).toContain('does not read its input')
  process.kill(pid, 'SIGUSR2')
  await expect
    .poll(async () => (await client.callTool('take').catch(() => undefined))?.data)
    .toBe(String(pid))
})

test('behind a proxy › the upstream is unavailable, and available again once it reads', async () => {
  const { logger } = recordingLogger()
  const proxy = FastMCP.asProxy(COMMAND, { name: 'proxy', shared: true, timeoutMs: 300, logger })
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  const pid = Number((await client.callTool('take')).data)
  const state = (): unknown => proxy.status().upstreams[0]?.state
  await expect
    .poll(
      async () => {
        await client.callTool('take', { LONG }, { throwOnError: false })
        return state()
      },
      { timeout: 15_000 },
    )
    .toBe('unavailable')
  const failure = await client.callTool('take', {}, { throwOnError: false })
  expect(String(failure.data)).toContain("upstream 'proxy' is unavailable")
  process.kill(pid, 'SIGUSR2')
  await expect.poll(state, { timeout: 15_000 }).toBe('connected')
  expect((await client.callTool('take')).data).toBe(String(pid))
}, 60_000)
