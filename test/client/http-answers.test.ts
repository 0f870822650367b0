/** How servers may put their HTTP answers, and how they may not: RFC 9112, on real sockets. */
import { expect, test } from 'vitest'
import { connected } from '../support/own-client.js'
import { mcpAnswer, plain, RawUpstream, type RawRequest, type RawScript } from '../support/raw-upstream.js'

const OLD = { era: '2025-11-25' }

const isCall = ({ body }: RawRequest): boolean => body.includes('"tools/call"')

/** Answers calls as `script` does, and all else plainly. */
function onCalls(script: RawScript): RawScript {
  return (request) => (isCall(request) ? script(request) : [plain(mcpAnswer(request))])
}

/** Each byte on its own. */
function dripped(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1))
}

function chunked(body: string, { size = 7, extension = '', trailers = '' } = {}): string {
  const bytes = Buffer.from(body)
  let text = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    text += `${piece.length.toString(16).toUpperCase()}${extension}\r\n${piece.toString('latin1')}\r\n`
  }
  return `${text}0\r\n${trailers}\r\n`
}

const JSON_HEAD = 'content-type: application/json\r\n'

test.each<[string, RawScript, number]>([
  ['a length', (request) => [plain(mcpAnswer(request))], 1],
  ['a length, byte by byte', (request) => dripped(plain(mcpAnswer(request))), 1],
  ['chunks', (request) => [Buffer.from(chunked(mcpAnswer(request)), 'latin1')], 1],
  [
    'chunks, byte by byte, with extensions and trailers',
    (request) => [
      ...Array.from(
        chunked(mcpAnswer(request), { extension: ';a="b"', trailers: 'x-sum: 1\r\nx-more: 2\r\n' }),
        (byte) => Buffer.from(byte, 'latin1'),
      ),
    ],
    1,
  ],
  ['the end', (request) => [`HTTP/1.1 200 OK\r\n${JSON_HEAD}\r\n${mcpAnswer(request)}`, 'end'], 3],
  [
    'HTTP/1.0',
    (request) => [
      `HTTP/1.0 200 OK\r\n${JSON_HEAD}\r\n`,
      mcpAnswer(request).slice(0, 9),
      mcpAnswer(request).slice(9),
      'end',
    ],
    3,
  ],
  [
    'HTTP/1.0 that is kept alive',
    (request) => [plain(mcpAnswer(request), 'connection: keep-alive\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
    1,
  ],
  [
    'an end that is announced',
    (request) => [plain(mcpAnswer(request), 'Connection: x, Close\r\n'), 'end'],
    3,
  ],
  [
    'a word before',
    (request) => [
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n',
      plain(mcpAnswer(request)),
    ],
    1,
  ],
  ['no reason', (request) => [plain(mcpAnswer(request)).replace('200 OK', '200')], 1],
  ['a server that keeps nothing', (request) => [plain(mcpAnswer(request), 'keep-alive: timeout=1\r\n')], 3],
  [
    'an answer that says nothing more',
    (request) => [plain(mcpAnswer(request), 'keep-alive: max=9, timeout=30\r\n')],
    1,
  ],
])('%s', async (_name, script, connections) => {
  const upstream = await RawUpstream.start(onCalls(script))
  const client = await connected(upstream.url, OLD)
  for (let call = 0; call < 3; call++) expect((await client.callTool('it')).data).toBe('grüße')
  // The session's stream has one as well, which this server refuses.
  const calls = upstream.connections - 1
  expect(calls).toBeGreaterThanOrEqual(Math.min(connections, 2) - 1)
  // A call that follows at once does not wait until the socket before it is free.
  expect(calls).toBeLessThanOrEqual(connections + 2)
})

test.each<[string, RawScript]>([
  ['no HTTP', () => ['SSH-2.0-OpenSSH_9.6\r\n\r\n']],
  ['another version', (request) => [plain(mcpAnswer(request)).replace('HTTP/1.1', 'HTTP/2')]],
  ['a status that is none', (request) => [plain(mcpAnswer(request)).replace('200', '20')]],
  ['a line that is no header', (request) => [plain(mcpAnswer(request), 'what is this\r\n')]],
  ['a name that is none', (request) => [plain(mcpAnswer(request), 'x y: z\r\n')]],
  ['a space before the colon', (request) => [plain(mcpAnswer(request), 'x : z\r\n')]],
  ['a folded header', (request) => [plain(mcpAnswer(request), 'x-long: one\r\n two\r\n')]],
  ['NUL in a value', (request) => [plain(mcpAnswer(request), 'x: \0\r\n')]],
  ['lines that only feed', (request) => [plain(mcpAnswer(request)).replaceAll('\r\n', '\n'), 'end']],
  ['two lengths', (request) => [plain(mcpAnswer(request), 'content-length: 3\r\n')]],
  ['a length that is none', (request) => [plain(mcpAnswer(request)).replace(/length: /, 'length: +')]],
  ['a length and chunks', (request) => [plain(mcpAnswer(request), 'transfer-encoding: chunked\r\n')]],
  [
    'a coding nobody asked for',
    () => [
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    ],
  ],
  [
    'a chunk without a size',
    () => ['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
  ],
  [
    'a chunk too long',
    () => [
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcdef\r\n',
    ],
  ],
  [
    'a size without end',
    () => [
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
      `1;${'x'.repeat(4000)}`,
      'end',
    ],
  ],
  [
    'a head without end',
    () => ['HTTP/1.1 200 OK\r\n', ...Array<string>(9).fill(`x: ${'y'.repeat(8000)}\r\n`)],
  ],
  [
    'trailers without end',
    () => [
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n0\r\n',
      ...Array<string>(9).fill(`x: ${'y'.repeat(8000)}\r\n`),
    ],
  ],
  ['another protocol', () => ['HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n']],
  ['nothing, and the end', () => ['end']],
  ['half of a head, and the end', () => ['HTTP/1.1 200 OK\r\ncontent-', 'end']],
  ['half of a body, and the end', (request) => [plain(mcpAnswer(request)).slice(0, -5), 'end']],
  ['half of a body, and a reset', (request) => [plain(mcpAnswer(request)).slice(0, -5), 'reset']],
  [
    'half of the chunks, and the end',
    (request) => [Buffer.from(chunked(mcpAnswer(request))).subarray(0, -5), 'end'],
  ],
])('%s: the call fails, its socket goes, and the next is answered', async (_name, script) => {
  let isBroken = true
  const upstream = await RawUpstream.start(
    onCalls((request) => (isBroken ? script(request) : [plain(mcpAnswer(request))])),
  )
  const client = await connected(upstream.url, OLD)
  await expect(client.callTool('it')).rejects.toMatchObject({ name: 'ConnectionError', outcome: 'unknown' })
  isBroken = false
  expect((await client.callTool('it')).data).toBe('grüße')
  await client.close()
  await expect.poll(() => upstream.sockets.size).toBe(0)
})

test('what comes unasked over a socket is no answer to the next request', async () => {
  const upstream = await RawUpstream.start(
    onCalls((request) => {
      const forged = mcpAnswer(request)
        .replace('grüße', 'forged')
        .replace(/"id":(\d+)/, (_, id) => `"id":${Number(id) + 1}`)
      return [plain(mcpAnswer(request)) + plain(forged)]
    }),
  )
  const client = await connected(upstream.url, OLD)
  for (let call = 0; call < 5; call++) expect((await client.callTool('it')).data).toBe('grüße')
})

test('a server that answers before it has heard everything is heard, and asked over another socket', async () => {
  const long = 'x'.repeat(8 * 1024 * 1024)
  const upstream = await RawUpstream.start(onCalls((request) => [plain(mcpAnswer(request))]))
  const client = await connected(upstream.url, OLD)
  await client.callTool('it')
  upstream.onHead = (_head, stop) => stop('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n')
  await expect(client.callTool('it', { long })).rejects.toMatchObject({ status: 413, outcome: 'not begun' })
  upstream.onHead = () => {}
  expect((await client.callTool('it', { long })).data).toBe('grüße')
})

test('an answer of any length comes whole, however it is cut', async () => {
  const text = '0123456789äöü'.repeat(200_000)
  const upstream = await RawUpstream.start(
    onCalls((request) => {
      const body = mcpAnswer(request).replace('grüße', text)
      return request.body.includes('chunks')
        ? [Buffer.from(chunked(body, { size: 65_537 }), 'latin1')]
        : [Buffer.from(plain(body))]
    }),
  )
  const client = await connected(upstream.url, OLD)
  for (const how of ['chunks', 'length'])
    expect((await client.callTool('it', { how })).data === text).toBe(true)
})

test('headers that cannot be are refused, and what they hold is not told', async () => {
  const upstream = await RawUpstream.start((request) => [plain(mcpAnswer(request))])
  for (const [name, value] of [
    ['x-token', 'secret\r\nx-other: 1'],
    ['x token', 'secret'],
    ['', 'secret'],
    ['Transfer-Encoding', 'chunked'],
    ['content-length', '3'],
    ['x-token', 'secret☃'],
  ] as const) {
    const failure = await connected(upstream.url, { ...OLD, headers: { [name]: value } }).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(TypeError)
    expect(String(failure)).toContain(JSON.stringify(name.toLowerCase()))
    expect(String(failure)).not.toContain('secret')
  }
  expect(upstream.connections).toBe(0)
})

test('each header goes out once, and none of the protocol’s own can be another', async () => {
  const heads: string[] = []
  const upstream = await RawUpstream.start((request) => {
    heads.push(request.head)
    return [plain(mcpAnswer(request), 'mcp-session-id: ours\r\n')]
  })
  const headers = { Accept: 'text/html', 'MCP-Session-Id': 'theirs', 'X-Name': 'Jürgen', Host: 'example.com' }
  const client = await connected(upstream.url, { ...OLD, headers })
  await client.callTool('it')
  const [head = ''] = heads.slice(-1)
  const fields = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': '))
  expect(new Set(fields.map(([name]) => name)).size).toBe(fields.length)
  expect(Object.fromEntries(fields)).toMatchObject({
    accept: 'application/json, text/event-stream',
    'mcp-session-id': 'ours',
    'x-name': 'Jürgen',
    host: 'example.com',
  })
})

test('what is too long, or no JSON, is refused also where it has come to its end at once', async () => {
  const event = (data: string) =>
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${data.length}\r\n\r\n${data}`
  const upstream = await RawUpstream.start(onCalls((request) => [chunked(mcpAnswer(request))]))
  const client = await connected({ url: upstream.url, maxMessageBytes: 150 }, OLD)
  upstream.script = onCalls((request) => [
    Buffer.from(chunked(mcpAnswer(request).replace('grüße', 'x'.repeat(200)))),
  ])
  await expect(client.callTool('it')).rejects.toThrow('longer than 150 bytes')
  upstream.script = onCalls(() => [event('data: no JSON\n\n')])
  await expect(client.callTool('it')).rejects.toThrow('no JSON')
  upstream.script = onCalls(() => [event(`data: ${'x'.repeat(200)}`)])
  await expect(client.callTool('it')).rejects.toThrow('longer than 150 bytes')
})

test('a server that says without end that it is still at it is given up', async () => {
  const upstream = await RawUpstream.start(onCalls(() => ['HTTP/1.1 102 Processing\r\n\r\n'.repeat(200)]))
  const client = await connected(upstream.url, OLD)
  await expect(client.callTool('it')).rejects.toMatchObject({ name: 'ConnectionError', outcome: 'unknown' })
})

test('requests at once that are sent on the same way arrive at the same place', async () => {
  const paths: string[] = []
  const upstream = await RawUpstream.start((request) => {
    const [, path = ''] = request.head.split(' ')
    if (isCall(request)) paths.push(path)
    if (!isCall(request) || path === '/v2/mcp') return [plain(mcpAnswer(request))]
    return ['HTTP/1.1 308 Moved\r\nlocation: v2/mcp\r\ncontent-length: 0\r\n\r\n']
  })
  const client = await connected(upstream.url, OLD)
  const answers = await Promise.all([client.callTool('it'), client.callTool('it'), client.callTool('it')])
  expect(answers.map(({ data }) => data)).toEqual(['grüße', 'grüße', 'grüße'])
  expect(new Set(paths)).toEqual(new Set(['/mcp', '/v2/mcp']))
})

test('a token goes out once, before what else says who asks', async () => {
  const heads: string[] = []
  const upstream = await RawUpstream.start((request) => {
    heads.push(request.head)
    return [plain(mcpAnswer(request))]
  })
  const client = await connected(
    { url: upstream.url, auth: 'token', headers: { Authorization: 'Basic x' } },
    OLD,
  )
  await client.callTool('it')
  for (const head of heads) expect(head.match(/authorization: .*/g)).toEqual(['authorization: Bearer token'])
})
