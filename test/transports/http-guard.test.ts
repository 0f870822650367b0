import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { onCleanup, serve } from '../support/clients.js'
import { Raw } from '../support/raw-http.js'

const NAME = { name: 'test', version: '1.0.0' }

function server(ran: unknown[] = []) {
  return new FastMCP(NAME).addTool({
    name: 'run',
    execute: (args) => {
      ran.push(args)
      return 'ran'
    },
  })
}

async function raw(options?: object, of: FastMCP<unknown, object, object> = server()): Promise<Raw> {
  const connection = await Raw.connect(await serve(of, options))
  onCleanup(() => connection.destroy())
  return connection
}

/** A call of a tool with other headers, and whether the tool ran. */
async function call(headers: Record<string, string>, options?: object) {
  const ran: unknown[] = []
  const connection = await raw(options, server(ran))
  const answer = await connection.ask2026('tools/call', { name: 'run' }, {}, headers)
  return { ...answer, ran: ran.length > 0 }
}

describe('Origin', () => {
  test.each([
    'http://evil.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'https://evil.example:443',
    'http://localhost@evil.example',
    'null',
    'file://',
    'evil',
    '',
  ])('%j is refused', async (origin) => {
    const { status, ran, headers } = await call({ origin })
    expect([status, ran]).toEqual([403, false])
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('is looked at whatever is asked, and within a session', async () => {
    const connection = await raw()
    const session = await connection.initialize('2025-11-25')
    const origin = 'http://evil.example'
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'PUT'])
      expect(
        (await connection.send(method, { ...session, origin, accept: 'text/event-stream' })).status,
      ).toBe(403)
    expect((await connection.send('GET', { origin }, '/health')).status).toBe(403)
    expect((await connection.ask({ jsonrpc: '2.0', id: 1, method: 'ping' }, session)).status).toBe(200)
  })

  test.each(['http://localhost:5173', 'http://127.0.0.1', 'https://[::1]:8443'])('%j may', async (origin) => {
    const { status, ran, headers } = await call({ origin })
    expect([status, ran]).toEqual([200, true])
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' })
    expect(headers['access-control-expose-headers']).toContain('mcp-session-id')
  })

  test('others may where that is said', async () => {
    const allowed = { allowedOrigins: ['https://app.example.com'] }
    expect((await call({ origin: 'https://app.example.com' }, allowed)).status).toBe(200)
    expect((await call({ origin: 'https://other.example.com' }, allowed)).status).toBe(403)
    const any = await call({ origin: 'https://whoever.example' }, { allowedOrigins: '*' })
    expect(any.headers).toMatchObject({ 'access-control-allow-origin': 'https://whoever.example' })
    const silent = await call({ origin: 'https://app.example.com' }, { ...allowed, cors: false })
    expect(silent.status).toBe(200)
    expect(silent.headers).not.toHaveProperty('access-control-allow-origin')
  })
})

describe('Host', () => {
  test.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[',
    'a b',
    '',
  ])('%j is refused', async (host) => {
    const { status, ran } = await call({ host })
    expect([status, ran]).toEqual([status === 400 ? 400 : 403, false])
  })

  test.each(['localhost', 'LOCALHOST:99', '127.0.0.1:1', '[::1]', '192.168.1.5:8080'])(
    '%j may',
    async (host) => {
      expect((await call({ host })).status).toBe(200)
    },
  )

  test('two of them are refused', async () => {
    const connection = await raw()
    connection.write('GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n')
    expect((await connection.answer()).status).toBe(400)
  })

  test('others may where that is said', async () => {
    const allowed = { allowedHosts: ['mcp.example.com', 'mcp.example.org:8443'] }
    expect((await call({ host: 'mcp.example.com' }, allowed)).status).toBe(200)
    expect((await call({ host: 'mcp.example.com:8080' }, allowed)).status).toBe(200)
    expect((await call({ host: 'mcp.example.org:8443' }, allowed)).status).toBe(200)
    expect((await call({ host: 'mcp.example.org' }, allowed)).status).toBe(403)
    const origin = 'http://mcp.example.com'
    expect((await call({ host: 'mcp.example.com', origin }, allowed)).status).toBe(200)
  })

  test('over fetch any may, but pages only where they are on the same machine', async () => {
    const ask = (host: string, origin?: string) => {
      const { headers, ...init } = Raw.init2026('tools/call', { name: 'run' })
      const request = new Request(`http://${host}/mcp`, {
        ...init,
        headers: { ...headers, ...(origin ? { origin } : {}) },
      })
      return server().fetch(request)
    }
    expect((await ask('mcp.example.com')).status).toBe(200)
    expect((await ask('evil.example', 'http://evil.example')).status).toBe(403)
    expect((await ask('mcp.example.com', 'http://localhost:3000')).status).toBe(403)
    expect((await ask('localhost:8080', 'http://localhost:3000')).status).toBe(200)
  })
})

describe('CORS preflight', () => {
  test('says what an allowed page may send', async () => {
    const connection = await raw({ cors: { allowedHeaders: ['X-Trace'], credentials: true, maxAge: 5 } })
    const { status, headers } = await connection.send('OPTIONS', {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, mcp-param-region, x-evil',
    })
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '5',
    })
    const allowed = headers['access-control-allow-headers']!.split(', ')
    expect(allowed).toEqual(
      expect.arrayContaining([
        'authorization',
        'mcp-session-id',
        'mcp-method',
        'last-event-id',
        'mcp-param-region',
        'x-trace',
      ]),
    )
    expect(allowed).not.toContain('x-evil')
    const plain = await connection.send('OPTIONS')
    expect([plain.status, plain.headers['allow']]).toEqual([204, 'GET, POST, DELETE'])
  })
})

describe('what a POST must look like', () => {
  test.each([
    ['text/plain', 415],
    ['text/plain; a=application/json', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=application/json', 415],
    ['application/json-patch+json', 415],
    ['', 415],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON', 200],
  ])('Content-Type %j: %i', async (type, status) => {
    const answer = await call({ 'content-type': type })
    expect([answer.status, answer.ran]).toEqual([status, status === 200])
  })

  test.each([
    ['text/html', 406],
    ['application/json;q=0, text/event-stream;q=0.0', 406],
    ['', 406],
    ['*/*', 200],
    ['application/json', 200],
    ['application/*;q=0.5', 200],
    ['text/event-stream', 200],
    ['text/html, application/json;q=0.9, */*;q=0.1', 200],
  ])('Accept %j: %i', async (accept, status) => {
    expect((await call({ accept })).status).toBe(status)
  })

  test('a client that reads only streams gets one; one that reads only JSON gets no more than the answer', async () => {
    const stream = await call({ accept: 'text/event-stream' })
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(stream.json).toMatchObject({ id: 1, result: {} })
    const of = new FastMCP(NAME).addTool({
      name: 'run',
      execute: (_args, { reportProgress }) => reportProgress({ progress: 1 }),
    })
    const connection = await raw({}, of)
    const headers = { accept: 'application/json' }
    const json = await connection.ask2026('tools/call', { name: 'run' }, { progressToken: 1 }, headers)
    expect(json.headers['content-type']).toBe('application/json')
    expect(json.json).toMatchObject({ id: 1, result: { content: [] } })
  })

  test('is not compressed', async () => {
    expect((await call({ 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await call({ 'content-encoding': 'identity' })).status).toBe(200)
  })

  test('goes to its own path, to the letter', async () => {
    const connection = await raw({ endpoint: '/api/mcp' })
    for (const path of ['/mcp', '//api/mcp', '/api/%6dcp', '/api/mcp/', '/api/./mcp', '/x/../api/mcp', '*'])
      expect((await connection.send('GET', {}, path)).status).toBe(404)
    expect((await connection.ask2026('tools/list')).status).toBe(200)
  })

  test.each(['PUT', 'PATCH', 'TRACE', 'PROPFIND'])('is no %s', async (method) => {
    const { status, headers } = await (await raw()).send(method)
    expect([status, headers['allow']]).toEqual([405, 'GET, POST, DELETE'])
  })
})

describe('a body that is too large', () => {
  const options = { maxBodyBytes: 1000 }
  const message = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'ping',
    params: { x: 'y'.repeat(5_000_000) },
  })

  test('is refused by its announced length, and its sender gets to see that', async () => {
    const ran: unknown[] = []
    const url = await serve(server(ran), options)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: message,
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: -32600 } })
    expect(ran).toEqual([])
  })

  test('is refused while it comes in pieces without a length', async () => {
    const connection = await raw(options)
    connection.write(
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    for (let sent = 0; sent < 3; sent++) connection.write(`200\r\n${'x'.repeat(512)}\r\n`)
    expect((await connection.answer()).status).toBe(413)
  })

  test('is refused over fetch, with and without a length', async () => {
    const of = server()
    const headers = { 'content-type': 'application/json' }
    expect((await of.request('/mcp', { method: 'POST', headers, body: message })).status).toBe(413)
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000_000))
      },
    })
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
    expect((await of.request('/mcp', init)).status).toBe(413)
  })

  test('at the limit is not', async () => {
    const connection = await raw(options)
    const session = await connection.initialize('2025-11-25')
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }).padEnd(1000)
    expect((await connection.ask(body, session)).status).toBe(200)
  })
})

test('a sender that goes away in the middle leaves nothing behind', async () => {
  const of = server()
  const url = await serve(of)
  for (let times = 0; times < 10; times++) {
    const connection = await Raw.connect(url)
    connection.write(
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"json',
    )
    connection.destroy()
  }
  const connection = await Raw.connect(url)
  expect((await connection.ask2026('tools/call', { name: 'run' })).status).toBe(200)
  connection.destroy()
})

describe('/health', () => {
  test('answers GET and HEAD, nothing else', async () => {
    const connection = await raw()
    const got = await connection.send('GET', {}, '/health?deep=%')
    expect([got.status, got.body]).toEqual([200, 'ok'])
    expect((await connection.send('POST', { 'content-length': '0' }, '/health')).status).toBe(405)
    const url = new URL('/health', await serve(server()))
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  })

  test('is where and what it is told to be, or not at all', async () => {
    const health = { path: '/healthz', message: 'fine', status: 207 }
    const moved = await raw({}, new FastMCP({ ...NAME, health }))
    const got = await moved.send('GET', {}, '/healthz')
    expect([got.status, got.body]).toEqual([207, 'fine'])
    const off = await raw({}, new FastMCP({ ...NAME, health: { enabled: false } }))
    expect((await off.send('GET', {}, '/health')).status).toBe(404)
  })
})

test('an error outside the protocol says nothing of itself', async () => {
  const connection = await raw()
  const { status, body } = await connection.send('GET', {}, '/nowhere')
  expect(status).toBe(404)
  expect(body).not.toMatch(/node_modules|\.ts|at /)
})
