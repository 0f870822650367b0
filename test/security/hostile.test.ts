/** What strangers send, in both eras: the server answers or ends it, and everybody else is served. See `checks.json` for the reasons. */
import { connect } from 'node:net'
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { echoServer, NAME, rawTo } from '../support/echo-server.js'
import { connected } from '../support/own-client.js'
import { Raw, type RawAnswer } from '../support/raw-http.js'
import { recordingLogger } from '../support/recording.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
type Era = (typeof ERAS)[number]

/** Calls of one era over a raw connection, with ids of one's own. */
async function caller(era: Era, connection: Raw) {
  const session = era === '2025-11-25' ? await connection.initialize(era) : {}
  return (id: unknown, name: string, args: object, meta: object = {}): Promise<RawAnswer> => {
    const params = { name, arguments: args }
    if (era === '2025-11-25')
      return connection.ask(
        { jsonrpc: '2.0', id, method: 'tools/call', params: { ...params, _meta: meta } },
        session,
      )
    const { headers, body } = Raw.init2026('tools/call', params, meta, id)
    return connection.ask(body, headers)
  }
}

describe.each(ERAS)('for a client of %s', (era) => {
  test('an id comes back as it was, in results and in errors', async () => {
    const call = await caller(era, await rawTo())
    for (const id of ['1', 1, 0, -5, 2 ** 53 - 1, 'ü\u2028\u{1f600}', '__proto__', 'x'.repeat(4096), '']) {
      expect((await call(id, 'echo', { text: 'x' })).json).toMatchObject({ id, result: {} })
      expect((await call(id, 'no-such', {})).json).toMatchObject({ id, error: { code: -32602 } })
    }
  })

  test('text of any kind is data, and comes back whole', async () => {
    const call = await caller(era, await rawTo())
    for (const text of [
      'a\n\ndata: {"jsonrpc":"2.0"}\n\n',
      'id: 7\r\nevent: x\r\n\r\n',
      '\u2028\u2029',
      '\ud800 alone',
      '\u0000\u001f',
      '\ufeffbom',
      '💩'.repeat(100),
      'x'.repeat(1024 * 1024),
    ]) {
      const { json } = await call(1, 'echo', { text })
      expect((json as { result: { content: [{ text: string }] } }).result.content[0].text).toBe(text)
    }
  })

  test('a character may come in pieces, and a message byte by byte', async () => {
    const connection = await rawTo()
    const session = era === '2025-11-25' ? await connection.initialize(era) : {}
    const params = { name: 'echo', arguments: { text: 'é💩' } }
    const { headers, body } =
      era === '2025-11-25'
        ? { headers: session, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }) }
        : Raw.init2026('tools/call', params)
    const bytes = Buffer.from(body).toString('latin1')
    const all = {
      host: '127.0.0.1',
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': String(bytes.length),
      ...headers,
    }
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    for (const byte of `POST /mcp HTTP/1.1\r\n${head.join('')}\r\n${bytes}`) {
      connection.write(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(JSON.stringify((await connection.answer()).json)).toContain('é💩')
  })

  test('progress only rises, and there is none once it is answered', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'floods',
      execute: (_args, { reportProgress }) => {
        for (let progress = 0; progress < 60_000; progress++) void reportProgress({ progress })
        void reportProgress({ progress: 1 })
        return 'done'
      },
    })
    const client = await connected(await serve(server), { era })
    const seen: number[] = []
    let isOver = false
    const result = await client.callTool(
      'floods',
      {},
      {
        onProgress: ({ progress }) => {
          expect(isOver).toBe(false)
          seen.push(progress)
        },
      },
    )
    isOver = true
    expect(result.data).toBe('done')
    expect(seen.every((progress, at) => at === 0 || progress > (seen[at - 1] as number))).toBe(true)
    // Past what one request may send, what says nothing new is left out.
    expect(seen.length).toBeGreaterThanOrEqual(50_000)
    expect(seen.length).toBeLessThan(59_000)
    expect((await client.callTool('floods')).data).toBe('done')
  })

  test('many with the same ids at once get their own answers, progress and logs', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'tells',
      parameters: z.object({ who: z.string() }),
      execute: async ({ who }, { log, reportProgress }) => {
        log.info(who)
        await reportProgress({ progress: 1, message: who })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
        return who
      },
    })
    const url = await serve(server)
    await Promise.all(
      Array.from({ length: 48 }, async (_, nth) => {
        const heard: unknown[] = []
        const client = await connected(url, {
          era,
          onLog: ({ data }: { data: { message: string } }) => heard.push(data.message),
        })
        const who = `client ${nth}`
        for (let time = 0; time < 3; time++) {
          const result = await client.callTool(
            'tells',
            { who },
            { onProgress: ({ message }) => heard.push(message) },
          )
          expect(result.data).toBe(who)
        }
        expect(new Set(heard)).toEqual(new Set([who]))
      }),
    )
  })

  test('past all that the server takes on, more is refused with 503, and taken again afterwards', async () => {
    let finish: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const server = new FastMCP({ ...NAME, maxRequests: 3 })
      .addTool({ name: 'waits', execute: async () => finished.then(() => 'waited') })
      .addTool({ name: 'quick', execute: () => 'quick' })
    const url = await serve(server)
    const waiting = await Promise.all(
      [1, 2, 3].map(async () => {
        const call = await caller(era, await rawConnection(url))
        return () => call(1, 'waits', {})
      }),
    )
    const call = await caller(era, await rawConnection(url))
    const answers = waiting.map((wait) => wait())
    await expect.poll(() => server.status().requests).toBe(3)
    const refused = await call(9, 'quick', {})
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect(refused.json).toMatchObject({ id: 9, error: { code: -32603 } })
    finish()
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200)
    expect((await call(10, 'quick', {})).status).toBe(200)
  })

  test('calls that are called off leave nothing', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'waits',
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    })
    const client = await connected(await serve(server), { era })
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    for (let round = 0; round < 10; round++)
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const controller = new AbortController()
          const call = client.callTool('waits', {}, { signal: controller.signal })
          setImmediate(() => controller.abort(new Error('not wanted')))
          await expect(call).rejects.toThrow('not wanted')
        }),
      )
    await expect.poll(() => server.status().requests).toBe(0)
    await expect
      .poll(() => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length)
      .toBeLessThanOrEqual(before + 2)
  })

  test('hooks that throw or reject end nothing', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    onCleanup(() => void process.off('unhandledRejection', onUnhandled))
    const fail = () => {
      throw new Error('secret hook')
    }
    const failLater = async () => fail()
    const { logger } = recordingLogger()
    const server = new FastMCP({ ...NAME, logger })
      .addTool({ name: 'tool', execute: failLater })
      .addTool({ name: 'guarded', canAccess: fail, execute: () => '' })
      .addResource({ uri: 'a://b', name: 'b', load: fail, watch: failLater })
      .addPrompt({ name: 'prompt', arguments: [{ name: 'a', complete: failLater }], load: fail })
      .addTool({ name: 'fine', execute: () => 'fine' })
      .on('connect', failLater)
      .on('disconnect', fail)
    const client = await connected(await serve(server), { era })
    const failures = await Promise.allSettled([
      client.callTool('tool'),
      client.callTool('guarded'),
      client.readResource('a://b'),
      client.getPrompt('prompt'),
      client.complete({ ref: { type: 'ref/prompt', name: 'prompt' }, argument: { name: 'a', value: '' } }),
    ])
    for (const failure of failures) {
      expect(failure.status).toBe('rejected')
      expect(String((failure as PromiseRejectedResult).reason)).not.toContain('secret hook')
    }
    await client.subscribe('a://b', fail)
    server.notifyResourceUpdated('a://b')
    expect((await client.callTool('fine')).data).toBe('fine')
    await client.close()
    await expect.poll(() => server.sessions.length).toBe(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  })
})

async function rawConnection(url: string): Promise<Raw> {
  const connection = await Raw.connect(url)
  onCleanup(() => connection.destroy())
  return connection
}

describe('ids of sessions', () => {
  test('cannot be guessed, and are nobody else’s choice', async () => {
    const url = await serve(echoServer())
    const ids = new Set<string>()
    for (let count = 0; count < 16; count++) {
      const connection = await rawConnection(url)
      ids.add((await connection.initialize('2025-11-25'))['mcp-session-id'] ?? '')
    }
    expect(ids.size).toBe(16)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{36}$/)
    const chosen = await rawConnection(url)
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    }
    const headers = { 'mcp-session-id': 'chosen-by-a-stranger' }
    const answer = await chosen.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, headers)
    expect(answer.status).toBe(404)
    for (const id of ['__proto__', 'constructor', 'toString']) {
      const asked = { jsonrpc: '2.0', id: 1, method: 'ping' }
      expect((await chosen.ask(asked, { 'mcp-session-id': id })).status).toBe(404)
      expect((await chosen.send('DELETE', { 'mcp-session-id': id })).status).toBe(404)
    }
  })
})

describe('bytes that are no HTTP, or too cleverly so', () => {
  const POST =
    'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json\r\n'
  const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

  test.each<[string, string]>([
    ['a length and chunks', `${POST}content-length: 40\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${POST}content-length: 40\r\ncontent-length: 4\r\n\r\n${PING}`],
    ['a length that is none', `${POST}content-length: -1\r\n\r\n`],
    ['broken chunks', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n${PING}\r\n`],
    ['NUL in a header', `${POST}x: a\0b\r\ncontent-length: 0\r\n\r\n`],
    ['a folded header', `${POST}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`],
    ['headers without end', `${POST}x: ${'a'.repeat(200_000)}\r\n\r\n`],
    ['headers without number', `${POST}${'x: y\r\n'.repeat(5000)}\r\n`],
    ['no host', 'POST /mcp HTTP/1.1\r\ncontent-length: 0\r\n\r\n'],
    ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a target that is none', 'GET http://[ HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
    ['another tunnel', 'CONNECT evil.example:80 HTTP/1.1\r\nhost: evil.example:80\r\n\r\n'],
  ])('%s: an error or the end, and everybody else is served', async (_what, bytes) => {
    const url = await serve(echoServer())
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onCleanup(() => void socket.destroy())
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    const closed = new Promise((resolve) => socket.once('close', resolve).once('error', resolve))
    socket.write(bytes, 'latin1')
    await Promise.race([
      closed,
      expect.poll(() => received, { timeout: 5000 }).toMatch(/^HTTP\/1\.1 [45]\d\d/),
    ])
    expect(received).not.toMatch(/"result"|node:|\.ts:/)
    expect((await (await rawConnection(url)).ask2026('tools/call', { name: 'plain' })).status).toBe(200)
  })

  test('requests that never come to an end keep nobody waiting', async () => {
    const url = await serve(echoServer())
    for (let count = 0; count < 40; count++) (await rawConnection(url)).write(POST)
    for (let count = 0; count < 10; count++)
      (await rawConnection(url)).write(`${POST}content-length: 1000\r\n\r\n{"jsonrpc":`)
    expect((await (await rawConnection(url)).ask2026('tools/call', { name: 'plain' })).status).toBe(200)
  })

  test('several requests sent at once are answered one after the other', async () => {
    const connection = await rawTo()
    for (const id of [1, 2, 3]) {
      const { headers, body } = Raw.init2026(
        'tools/call',
        { name: 'echo', arguments: { text: `${id}` } },
        {},
        id,
      )
      connection.post(body, headers)
    }
    for (const id of [1, 2, 3])
      expect((await connection.answer()).json).toMatchObject({ id, result: { content: [{ text: `${id}` }] } })
  })
})

test('a server with many sessions stops at once, however often that is said', async () => {
  const server = echoServer()
  const url = await serve(server)
  let stops: Promise<void> | undefined
  server.on('disconnect', () => {
    // Out of what a stop itself calls.
    stops ??= server.stop()
  })
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const connection = await rawConnection(url)
      connection.get(await connection.initialize('2025-11-25'))
    }),
  )
  await expect.poll(() => server.sessions.length).toBe(200)
  await Promise.all([server.stop(), server.stop(), server.stop()])
  await stops
  expect(server.sessions).toEqual([])
  await server.stop()
})
