import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { FastMCP, inMemoryTransports, type Transport } from 'fastmesh'
import { onCleanup, serve, WAYS } from '../support/clients.js'
import { NAME, rawTo } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording, recordingLogger } from '../support/recording.js'
import { INITIALIZE, META_2026, request } from '../support/messages.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** An HTTP/1.1 request as bytes, for a connection on which several are sent at once. */
function post(method: string, params: object): string {
  const body = JSON.stringify(request(1, method, { ...params, _meta: META_2026 }))
  return [
    'POST /mcp HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'mcp-protocol-version: 2026-07-28',
    `mcp-method: ${method}`,
    ...('name' in params ? [`mcp-name: ${String(params.name)}`] : []),
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

async function socketTo(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onCleanup(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Ask a server that runs within an application. */
async function embedded(server: FastMCP, message: object) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const answer = await server.request('/mcp', { method: 'POST', headers, body: JSON.stringify(message) })
  const text = await answer.text()
  return { status: answer.status, json: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

describe('requests that wait behind others on one connection', () => {
  test('end with their client', async () => {
    let aborted = 0
    const server = new FastMCP(NAME).addTool({
      name: 'wait',
      execute: (_args, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted += 1
            resolve('')
          }),
        ),
    })
    const socket = await socketTo(await serve(server))
    socket.write(post('subscriptions/listen', { notifications: { toolsListChanged: true } }).repeat(20))
    socket.write(post('tools/call', { name: 'wait', arguments: {} }).repeat(20))
    await expect.poll(() => server.status().requests).toBe(40)
    socket.destroy()
    await expect.poll(() => server.status().requests).toBe(0)
    expect(aborted).toBe(20)
  })
})

describe('a server that stops', () => {
  test('takes nothing more until all is closed', async () => {
    let finish: () => void = () => {}
    let closing: () => void = () => {}
    const isClosing = new Promise<void>((resolve) => (closing = resolve))
    const server = new FastMCP({
      ...NAME,
      lifespan: () => ({
        [Symbol.asyncDispose]: async () => {
          closing()
          await new Promise<void>((resolve) => (finish = resolve))
        },
      }),
    })
    const recording = new Recording(server)
    expect((await embedded(server, request(1, 'initialize', INITIALIZE))).status).toBe(200)
    const stopping = server.stop()
    await isClosing
    const { status, json } = await embedded(server, request(1, 'initialize', INITIALIZE))
    expect([status, json]).toMatchObject([200, { error: { message: 'The server is stopping' } }])
    finish()
    await stopping
    expect(recording.connected.length).toBe(recording.disconnected.length)
    expect((await embedded(server, request(1, 'initialize', INITIALIZE))).status).toBe(503)
  })

  test('while it opens for a first request refuses that request', async () => {
    let open: () => void = () => {}
    const server = new FastMCP({
      ...NAME,
      lifespan: async () => new Promise<void>((resolve) => (open = resolve)),
    })
    const answer = embedded(server, request(1, 'initialize', INITIALIZE))
    await expect.poll(() => server.status().state).toBe('starting')
    expect((await server.request('/health')).status).toBe(200)
    expect((await server.request('/ready')).status).toBe(503)
    const stopping = server.stop()
    open()
    await stopping
    expect((await answer).status).toBe(503)
    expect(server.status().state).toBe('stopped')
  })

  test('and is started meanwhile starts when it has stopped', async () => {
    let opened = 0
    const server = new FastMCP({
      ...NAME,
      lifespan: () => {
        opened += 1
        return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => setImmediate(resolve)) }
      },
    })
    await serve(server)
    const stopping = server.stop()
    const url = await serve(server)
    await stopping
    expect(opened).toBe(2)
    expect((await fetch(new URL('/ready', url))).status).toBe(200)
  })

  test('because its port is taken closes what it had opened', async () => {
    const story: string[] = []
    const server = new FastMCP({
      ...NAME,
      lifespan: () => ({ [Symbol.asyncDispose]: async () => void story.push('closed') }),
    })
    const port = Number(new URL(await serve(new FastMCP(NAME))).port)
    await expect(server.start({ httpStream: { port, host: '127.0.0.1' } })).rejects.toThrow('EADDRINUSE')
    expect(story).toEqual(['closed'])
    expect(server.status().state).toBe('stopped')
    await serve(server)
  })

  test('does not wait for a source that never begins to be watched', async () => {
    const { logger } = recordingLogger()
    const server = new FastMCP({ ...NAME, logger }).addResource({
      uri: 'data://r',
      name: 'r',
      load: () => '',
      watch: () => new Promise<never>(() => {}),
    })
    const client = await WAYS[0]!.connect(server)
    await client.subscribeResource({ uri: 'data://r' })
    await client.close()
    await server.stop()
  })
})

describe('a session that never says it is ready', () => {
  test.each(['/sse', '/mcp'])('is ended, though it has a stream open on %s', async (path) => {
    const server = new FastMCP({ ...NAME, session: { idleTimeoutMs: 100 } })
    const connection = await rawTo(server)
    const { headers } = await connection.ask(request(1, 'initialize', INITIALIZE))
    const session = { 'mcp-session-id': headers['mcp-session-id']! }
    connection.get(path === '/mcp' ? session : {}, path)
    expect((await connection.answer()).status).toBe(200)
    expect((await connection.ask(request(2, 'ping'), session)).status).toBe(404)
  })
})

describe('a session closed by the server', () => {
  test('over a connection answers no more', async () => {
    const [clientSide, serverSide] = inMemoryTransports()
    const runs: unknown[] = []
    const server = new FastMCP(NAME).addTool({ name: 'it', execute: () => void runs.push(1) })
    // A transport that goes on although it was closed.
    const deaf: Transport = {
      start: () => serverSide.start(),
      send: (message) => serverSide.send(message),
      close: async () => {},
    }
    serverSide.onmessage = (message) => deaf.onmessage?.(message)
    const recording = new Recording(server)
    await server.connect(deaf)
    const sent: unknown[] = []
    clientSide.onmessage = (message) => void sent.push(message)
    await clientSide.start()
    await clientSide.send(request(1, 'initialize', INITIALIZE) as never)
    await clientSide.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const session = await recording.session()
    session.close()
    sent.length = 0
    deaf.onmessage?.(request(2, 'tools/call', { name: 'it' }) as never)
    await expect.poll(() => sent).toMatchObject([{ id: 2, error: { message: 'The session has ended' } }])
    expect(runs).toEqual([])
    await server.stop()
  })

  test('over stdio ends the server', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/servers/closing-server.ts'], {
      cwd: ROOT,
    })
    onCleanup(() => child.kill('SIGKILL'))
    child.stdin.write(`${JSON.stringify(request(1, 'initialize', INITIALIZE))}\n`)
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
    expect(String(child.stderr.read() ?? '')).toBe('')
  })
})

describe('the end of stdin', () => {
  test('is the client going, and ends no other server of the process', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/servers/two-servers.ts'], { cwd: ROOT })
    onCleanup(() => child.kill('SIGKILL'))
    let told = ''
    child.stderr.on('data', (chunk) => (told += String(chunk)))
    child.stdin.write(`${JSON.stringify(request(1, 'initialize', INITIALIZE))}\n`)
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
    await expect.poll(() => told, { timeout: 10_000 }).toContain('\n')
    const [, url] = /url (\S+)/.exec(told)!
    child.stdin.end()
    const connection = await Raw.connect(url!)
    const answer = await connection.ask2026('tools/call', { name: 'slow' })
    expect(answer.json).toMatchObject({ result: { content: [{ text: 'done' }] } })
    expect(told).toContain('disconnect connection closed')
    const closed = once(child, 'close')
    await connection.ask2026('tools/call', { name: 'stop' })
    await closed
  }, 20_000)
})

test('a stateless request of 2025 ends with its client', async () => {
  let hearAbort: () => void = () => {}
  const aborted = new Promise<void>((resolve) => (hearAbort = resolve))
  const server = new FastMCP(NAME).addTool({
    name: 'wait',
    execute: async (_args, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      hearAbort()
    },
  })
  const socket = await socketTo(await serve(server, { stateless: true }))
  const body = JSON.stringify(request(1, 'tools/call', { name: 'wait' }))
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await expect.poll(() => server.status().requests).toBe(1)
  socket.destroy()
  await aborted
  await expect.poll(() => server.status().requests).toBe(0)
})

test('a listener that closes the session it is told of disturbs no other', async () => {
  const story: string[] = []
  const server = new FastMCP(NAME)
  server.on('connect', ({ session }) => session.close())
  server.on('connect', () => story.push('connect'))
  server.on('disconnect', () => story.push('disconnect'))
  const connection = await rawTo(server)
  await connection.initialize('2025-11-25')
  await expect.poll(() => story.length).toBe(2)
  expect(story).toEqual(['connect', 'disconnect'])
})
