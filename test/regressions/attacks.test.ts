import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { ERAS, onCleanup, serve, WAYS } from '../support/clients.js'
import { echoServer, NAME, rawTo } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

const HOSTILE = { toString: null }
const request = (id: unknown, method: string, params?: object) => ({ jsonrpc: '2.0', id, method, params })

describe('values that cannot become text', () => {
  test('are bad parameters, in both eras and in a batch', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-03-26')
    const bad = request(2, 'logging/setLevel', { level: HOSTILE })
    expect((await connection.ask(bad, session)).json).toMatchObject({ id: 2, error: { code: -32602 } })
    const { json } = await connection.ask([bad, request(3, 'tools/list')], session)
    expect(json).toMatchObject([
      { id: 2, error: {} },
      { id: 3, result: {} },
    ])
    const level = { 'io.modelcontextprotocol/logLevel': HOSTILE }
    expect((await connection.ask2026('tools/list', {}, level)).json).toMatchObject({
      error: { code: -32602 },
    })
    const parameters = { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }
    const routed = await rawTo(new FastMCP(NAME).addTool({ name: 'it', parameters, execute: () => '' }))
    const answer = await routed.ask2026(
      'tools/call',
      { name: 'it', arguments: { a: HOSTILE } },
      {},
      { 'mcp-param-a': 'x' },
    )
    expect([answer.status, answer.json]).toMatchObject([400, { error: { code: -32020 } }])
  })

  test('end no process', async () => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/servers/stdio-server.ts'], { cwd })
    onCleanup(() => child.kill('SIGKILL'))
    const version = { protocolVersion: '2025-11-25', capabilities: {} }
    for (const message of [
      request(1, 'initialize', version),
      request(2, 'logging/setLevel', { level: HOSTILE }),
      request(3, 'ping'),
    ])
      child.stdin.write(`${JSON.stringify(message)}\n`)
    let output = ''
    while (!output.includes('"id":3')) output += String((await once(child.stdout, 'data'))[0])
    expect(output).toContain('"id":2,"error"')
  })
})

describe('what a stranger can make the server keep', () => {
  const large = 'x'.repeat(100_000)

  test('is small', async () => {
    const connection = await rawTo(
      new FastMCP({ ...NAME, listPageSize: 1 }).addTool({ name: 'it', execute: () => '' }),
    )
    const session = await connection.initialize('2025-11-25')
    const code = async (method: string, params: object) =>
      ((await connection.ask(request(1, method, params), session)).json as { error?: { code: number } }).error
        ?.code
    expect(await code('resources/subscribe', { uri: `data://${large}` })).toBe(-32602)
    expect(await code('tools/list', { cursor: btoa(JSON.stringify(['tools/list', 1, large])) })).toBe(-32602)
    const clientInfo = { name: large, version: '1' }
    const introduction = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    const refused = await connection.ask(request(1, 'initialize', introduction))
    expect(refused.json).toMatchObject({ error: { code: -32602 } })
    expect(refused.headers).not.toHaveProperty('mcp-session-id')
    const listen = { notifications: { resourceSubscriptions: [`data://${large}`] } }
    expect((await connection.ask2026('subscriptions/listen', listen)).json).toMatchObject({
      error: { code: -32602 },
    })
  })
})

test('a streaming batch whose only call is called off ends', async () => {
  const server = new FastMCP(NAME).addTool({
    name: 'stream',
    execute: async (_args, { reportProgress, signal }) => {
      await reportProgress({ progress: 1 })
      await once(signal, 'abort')
    },
  })
  const url = await serve(server)
  const [caller, other] = [await Raw.connect(url), await Raw.connect(url)]
  const session = await caller.initialize('2025-03-26')
  const call = request('a', 'tools/call', { name: 'stream', _meta: { progressToken: 1 } })
  const answer = caller.ask([call], session)
  await expect.poll(() => caller.hasPartial).toBe(true)
  await other.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'a' } }, session)
  expect((await answer).body).toContain('notifications/progress')
})

test('a stream that is away misses no update', async () => {
  const server = echoServer().addResource({ uri: 'data://a', name: 'A', load: () => '' })
  const url = await serve(server)
  const [caller, listener] = [await Raw.connect(url), await Raw.connect(url)]
  onCleanup(() => [caller.destroy(), listener.destroy()])
  const session = await caller.initialize('2025-11-25')
  await caller.ask(request(1, 'resources/subscribe', { uri: 'data://a' }), session)
  server.notifyResourceUpdated('data://a')
  await new Promise((resolve) => setImmediate(resolve))
  void listener.send('GET', { ...session, accept: 'text/event-stream' })
  await expect.poll(() => listener.received).toContain('notifications/resources/updated')
})

test('a host must be named', async () => {
  const connection = await rawTo()
  connection.write('GET /health HTTP/1.0\r\n\r\n')
  expect((await connection.answer()).status).toBe(403)
})

test('stopping while it starts leaves nothing listening', async () => {
  const server = new FastMCP(NAME)
  const starting = server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  const outcome = starting.then(
    () => 'started',
    (error: Error) => error.message,
  )
  await server.stop()
  expect(await outcome).toBe('The server was stopped')
})

test('stopping while it starts leaves stdio alone', async () => {
  const code = `const { FastMCP } = await import('./dist/index.js')
    const s = new FastMCP({ name: 'x', version: '1' })
    const starting = s.start().catch((error) => error.message)
    await s.stop()
    console.log(await starting)`
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd })
  onCleanup(() => child.kill('SIGKILL'))
  // The process ends though its stdin is open, and its stdout is its own again.
  const [output, [exitCode]] = await Promise.all([once(child.stdout, 'data'), once(child, 'exit')])
  expect([String(output[0]).trim(), exitCode]).toEqual(['The server was stopped', 0])
})

test('a process is on stdio once', async () => {
  const server = new FastMCP(NAME)
  const code = `const { FastMCP } = await import('./dist/index.js')
    const s = new FastMCP({ name: 'x', version: '1' })
    const [, second] = await Promise.allSettled([s.start(), s.start()])
    console.error(second.reason?.message)
    await s.stop(); process.exit()`
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd })
  expect(String((await once(child.stderr, 'data'))[0])).toContain('on stdio already')
  expect(server).toBeDefined()
})

test('a reader that stopped reading cannot keep a process', async () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/servers/stdio-server.ts'], { cwd })
  onCleanup(() => child.kill('SIGKILL'))
  child.stdin.write(`${JSON.stringify(request(0, 'initialize', { protocolVersion: '2025-11-25' }))}\n`)
  await once(child.stdout, 'readable')
  for (let id = 1; id <= 5; id++)
    child.stdin.write(`${JSON.stringify(request(id, 'tools/call', { name: 'large' }))}\n`)
  await new Promise((resolve) => setTimeout(resolve, 200))
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
})

describe.each(ERAS)('what handlers are given and give ($era)', ({ connect }) => {
  test('prompt arguments are what was sent, and what may be', async () => {
    let given: Record<string, unknown> = {}
    const server = new FastMCP(NAME).addPrompt({
      name: 'it',
      arguments: [
        { name: 'constructor', required: true },
        { name: 'tone', enum: ['kind', 'dry'] },
        { name: 'toString' },
      ],
      load: (args) => {
        given = { ...args, toString: args.toString as unknown }
        return ''
      },
    })
    const client = await connect(server)
    await expect(client.getPrompt({ name: 'it', arguments: {} })).rejects.toMatchObject({ code: -32602 })
    const odd = { constructor: 'x', tone: 'klingon' }
    await expect(client.getPrompt({ name: 'it', arguments: odd })).rejects.toThrow(/kind, dry/)
    await client.getPrompt({ name: 'it', arguments: { constructor: 'x', tone: 'dry' } })
    expect(given).toEqual({ constructor: 'x', tone: 'dry', toString: undefined })
  })

  test('dates and addresses are texts, not structured content', async () => {
    const server = new FastMCP(NAME)
      .addTool({ name: 'date', execute: () => new Date(0) })
      .addTool({ name: 'url', execute: () => new URL('http://x/') })
      .addResource({ uri: 'data://bytes', name: 'Bytes', load: () => new Uint8Array([1, 2, 3]).buffer })
    const client = await connect(server)
    for (const [name, text] of [
      ['date', '"1970-01-01T00:00:00.000Z"'],
      ['url', '"http://x/"'],
    ] as const) {
      const result = await client.callTool({ name, arguments: {} })
      expect([result.content, result.structuredContent]).toEqual([[{ type: 'text', text }], undefined])
    }
    expect((await client.readResource({ uri: 'data://bytes' })).contents).toMatchObject([{ blob: 'AQID' }])
  })
})

test('a promise of another realm is waited for', async () => {
  const issues = [{ message: 'refused' }]
  const validate = () => (runInNewContext('Promise') as PromiseConstructor).resolve({ issues })
  const jsonSchema = { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) }
  const parameters = { '~standard': { version: 1, vendor: 'foreign', validate, jsonSchema } } as const
  const server = new FastMCP(NAME).addTool({ name: 'it', parameters, execute: () => 'ran' })
  const result = await (await WAYS[0]!.connect(server)).callTool({ name: 'it', arguments: {} })
  expect(result).toMatchObject({
    isError: true,
    content: [{ text: "Invalid arguments for tool 'it': refused" }],
  })
})

test('a definition that is not JSON is refused at once', () => {
  const server = new FastMCP(NAME)
  expect(() => server.addTool({ name: 'it', meta: { n: 1n }, execute: () => '' })).toThrow(
    /tool 'it' is not JSON/,
  )
  expect(server.removeTool('it')).toBe(false)
})

test('an id that a number cannot hold is refused, not changed', async () => {
  const connection = await rawTo()
  const session = await connection.initialize('2025-11-25')
  const { status, body } = await connection.ask(
    '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
    session,
  )
  expect(status).toBe(400)
  expect(body).not.toContain('900719925474099')
})
