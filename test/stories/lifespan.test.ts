import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { fileURLToPath } from 'node:url'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** A server whose lifespan writes down what happens. */
function living(open: () => unknown = () => undefined) {
  const events: string[] = []
  const server: FastMCP<unknown, object> = new FastMCP({
    ...NAME,
    lifespan: async (of) => {
      events.push(`open ${String(of === server)}`)
      await open()
      return {
        [Symbol.asyncDispose]: async () => {
          events.push('close')
          await Promise.resolve()
          events.push('closed')
        },
      }
    },
  }).addTool({ name: 'it', execute: () => void events.push('run') })
  return { server, events }
}

describe('what the lifespan opens', () => {
  test('is there before the server listens, and until the last work is done', async () => {
    const { server, events } = living()
    let finish: () => void = () => {}
    server.addTool({
      name: 'slow',
      execute: async () => {
        await new Promise<void>((resolve) => (finish = resolve))
        events.push('done')
      },
    })
    const connection = await Raw.connect(await serve(server))
    onCleanup(() => connection.destroy())
    expect(events).toEqual(['open true'])
    const answer = connection.ask2026('tools/call', { name: 'slow' })
    await expect.poll(() => finish.length).toBe(1)
    const stopped = server.stop()
    finish()
    await answer
    await stopped
    expect(events).toEqual(['open true', 'done', 'close', 'closed'])
  })

  test('is opened once, however the server is served, and anew after a stop', async () => {
    const { server, events } = living()
    const [, serverSide] = inMemoryTransports()
    await Promise.all([
      server.start({ httpStream: { port: 0, host: '127.0.0.1' } }),
      server.connect(serverSide),
      server.request('/health'),
    ])
    expect(events).toEqual(['open true'])
    await Promise.all([server.stop(), server.stop()])
    expect(events).toEqual(['open true', 'close', 'closed'])
    await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
    await server.stop()
    expect(events).toHaveLength(6)
  })

  test('that cannot be opened keeps the server from starting, and leaves nothing', async () => {
    const { server } = living(() => Promise.reject(new Error('no database')))
    await expect(server.start({ httpStream: { port: 0 } })).rejects.toThrow('no database')
    const [, serverSide] = inMemoryTransports()
    await expect(server.connect(serverSide)).rejects.toThrow('no database')
    expect(server.status()).toMatchObject({ state: 'idle', ready: false, lastError: 'The lifespan failed' })
    await server.stop()
  })

  test('that cannot be closed is told to the logger', async () => {
    const logged: unknown[] = []
    const log = (...message: unknown[]) => void logged.push(message[0])
    const server = new FastMCP({
      ...NAME,
      logger: { debug: log, info: log, warn: log, error: log },
      lifespan: () => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error('stuck')) }),
    })
    await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
    await server.stop()
    expect(logged).toEqual(['What the lifespan had opened could not be closed'])
  })
})

test('the status of a server is what it is', async () => {
  const { server } = living()
  const { sessions, ...idle } = server.status()
  expect(idle).toEqual({
    ...NAME,
    state: 'idle',
    ready: false,
    uptimeMs: 0,
    lastError: undefined,
    requests: 0,
    mounts: [],
    upstreams: [],
  })
  expect(sessions).toEqual({ connected: 0, max: 10_000 })
  const connection = await Raw.connect(await serve(server))
  onCleanup(() => connection.destroy())
  await connection.initialize('2025-11-25')
  const { status, headers, json } = await connection.send('GET', {}, '/ready')
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'application/json',
    'no-store',
  ])
  expect(json).toMatchObject({ state: 'running', ready: true, sessions: { connected: 1 } })
  expect((await connection.send('HEAD', {}, '/ready')).status).toBe(200)
  expect((await connection.send('DELETE', {}, '/ready')).status).toBe(405)
})

test('health and readiness can stand elsewhere, or nowhere', async () => {
  const server = new FastMCP({
    ...NAME,
    health: { path: '/healthz', message: 'fine', status: 203 },
    ready: { enabled: false },
  })
  const connection = await Raw.connect(await serve(server))
  onCleanup(() => connection.destroy())
  const { status, body } = await connection.send('GET', {}, '/healthz')
  expect([status, body]).toEqual([203, 'fine'])
  expect((await connection.send('GET', {}, '/health')).status).toBe(404)
  expect((await connection.send('GET', {}, '/ready')).status).toBe(404)
})

test('a stop tells those that listen: 2026 by the last result, 2025 by the end of the stream', async () => {
  const { server } = living()
  const record = new Recording(server)
  const url = await serve(server)
  const [modern, old, stream] = await Promise.all([1, 2, 3].map(() => Raw.connect(url)))
  const listened = modern!.ask2026('subscriptions/listen', { notifications: { toolsListChanged: true } })
  stream!.get(await old!.initialize('2025-11-25'))
  await stream!.firstByte
  await expect.poll(() => modern!.received).toContain('acknowledged')
  await server.stop()
  expect((await listened).json).toMatchObject({ id: 1, result: { resultType: 'complete' } })
  await Promise.all([modern!.closed(), old!.closed(), stream!.closed()])
  expect(record.reasons).toEqual(['server stopped'])
})

test('HTTPS is served with a certificate', async () => {
  const { server } = living()
  const url = await serve(server, { host: 'localhost', tls: { cert: pem('cert'), key: pem('key') } })
  expect(url).toMatch(/^https:\/\/localhost:\d+\/mcp$/)
  const { method, headers, body } = Raw.init2026('tools/call', { name: 'it' })
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request(url, { method, headers, ca: pem('cert'), agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject).end(body)
  })
  expect(JSON.parse(answer)).toMatchObject({ result: { content: [] } })
  await expect(serve(server, { tls: { cert: 'no', key: 'no' } })).rejects.toThrow()
})

describe('a process that serves over HTTP', () => {
  async function started() {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/servers/http-server.ts'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onCleanup(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    const said = () => output.trim().split('\n')
    await expect.poll(said, { timeout: 15_000 }).toHaveLength(2)
    const connection = await Raw.connect(said()[1]!)
    onCleanup(() => connection.destroy())
    return { child, said, connection, url: said()[1]! }
  }

  const ended = async (child: ChildProcess) => (await once(child, 'exit')) as [number | null, string | null]

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'lets what runs finish at %s, closes what was open, and ends',
    async (signal) => {
      const { child, said, connection, url } = await started()
      const answer = connection.ask2026('tools/call', { name: 'slow' })
      await expect.poll(said).toContain('running')
      const exit = ended(child)
      child.kill(signal)
      await expect
        .poll(() =>
          Raw.connect(url).then(
            (open) => open.destroy(),
            () => 'refused',
          ),
        )
        .toBe('refused')
      child.kill('SIGUSR2')
      expect((await answer).json).toMatchObject({ result: { content: [{ text: 'finished' }] } })
      expect(await exit).toEqual([0, null])
      expect(said().slice(2)).toEqual(['running', 'ran', 'closed'])
    },
  )

  test('ends at once at the second signal', async () => {
    const { child, said, connection, url } = await started()
    connection.post2026('tools/call', { name: 'slow' })
    await expect.poll(said).toContain('running')
    const exit = ended(child)
    child.kill('SIGTERM')
    await expect
      .poll(() =>
        Raw.connect(url).then(
          (open) => open.destroy(),
          () => 'refused',
        ),
      )
      .toBe('refused')
    child.kill('SIGTERM')
    expect(await exit).toEqual([1, null])
    expect(said()).not.toContain('closed')
  })
})
