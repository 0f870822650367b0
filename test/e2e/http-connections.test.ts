/** How a client connects over HTTP: compression, dispatchers, certificates, credentials, silence, and what is sent again. */
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib'
import { Client, FastMCP, type AuthProvider } from 'fastmesh'
import { Agent, fetch as undiciFetch } from 'undici'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import {
  ERA_PAIRS,
  ERAS,
  hostileUpstream,
  messageOf,
  toolResult,
  withLength,
} from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import type { RawRequest } from '../support/raw-upstream.js'
import { recordingLogger } from '../support/recording.js'

const path = (name: string): string => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname
const cert = readFileSync(path('cert.pem'))
const key = readFileSync(path('key.pem'))

const ENCODERS = {
  gzip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
  'deflate, gzip': (body: string) => gzipSync(deflateSync(body)),
}

function encoded(encoding: keyof typeof ENCODERS, body: string): Buffer[] {
  const bytes = ENCODERS[encoding](body)
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`
  return [Buffer.from(head), bytes.subarray(0, 9), bytes.subarray(9)]
}

/** The ways to send requests on Node; a dispatcher is closed after the test. */
const WAYS = {
  undici: () => ({}),
  'a dispatcher': () => {
    const dispatcher = new Agent()
    onCleanup(() => dispatcher.close())
    return { dispatcher }
  },
  fetch: () => ({ fetch: undiciFetch as unknown as typeof fetch }),
}

describe.each(Object.entries(WAYS))('compressed responses through %s', (_way, options) => {
  test.each(Object.keys(ENCODERS) as (keyof typeof ENCODERS)[])('› %s is decoded', async (encoding) => {
    const asked: string[] = []
    const upstream = await hostileUpstream('2025-11-25', ({ response }, { head }) => {
      asked.push(/accept-encoding: (.*)/i.exec(head)?.[1]?.trim() ?? '')
      return encoded(encoding, response)
    })
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    for (const tag of ['one', 'two', 'ü'.repeat(100_000)])
      expect((await client.callTool('echo', { tag })).data).toBe(tag)
    for (const accepted of asked) expect(accepted).toMatch(/gzip.*br|gzip.*deflate/)
  })

  test('› an event stream is decoded event by event', async () => {
    const gate: { open: () => void } = { open: () => undefined }
    const upstream = await hostileUpstream('2025-11-25', ({ id, response }, { socket, body }) => {
      const gzip = createGzip()
      gzip.on('data', (chunk: Buffer) => {
        socket.write(`${chunk.length.toString(16)}\r\n`)
        socket.write(chunk)
        socket.write('\r\n')
      })
      gzip.on('end', () => socket.write('0\r\n\r\n'))
      const { progressToken } = (JSON.parse(body) as { params: { _meta: { progressToken: number } } }).params
        ._meta
      const progress = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress: 1 },
      }
      gzip.write(`data: ${JSON.stringify(progress)}\n\n`)
      gzip.flush()
      gate.open = () => gzip.end(`data: ${response}\n\n`)
      expect(id).toBeGreaterThan(0)
      return [
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n',
      ]
    })
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    const seen: number[] = []
    const call = client.callTool('echo', { tag: 'a' }, { onProgress: ({ progress }) => seen.push(progress) })
    await expect.poll(() => seen).toEqual([1])
    gate.open()
    expect((await call).data).toBe('a')
  })

  test('› a bomb costs one call, and no more than maxMessageBytes', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000, ' '))
    const upstream = await hostileUpstream('2025-11-25', ({ tag, response }) =>
      tag === 'bomb'
        ? [
            `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
            bomb,
          ]
        : [withLength(response)],
    )
    const target = { url: upstream.url, maxMessageBytes: 1_000_000, ...options() }
    const client = await connected(target, { era: '2025-11-25' })
    const others = Array.from({ length: 5 }, () => client.callTool('echo', { tag: 'fine' }))
    await expect(client.callTool('echo', { tag: 'bomb' })).rejects.toThrow('longer than 1000000 bytes')
    for (const other of await Promise.all(others)) expect(other.data).toBe('fine')
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› what is cut off, broken, or of an unknown encoding fails the call alone', async () => {
    const whole = gzipSync(toolResult(1, 'x'))
    const head = (encoding: string, length: number): string =>
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${length}\r\n\r\n`
    const answers: Record<string, (string | Buffer)[]> = {
      cut: [head('gzip', 20), whole.subarray(0, 20)],
      broken: [head('gzip', 20), Buffer.alloc(20, 7)],
      unknown: [head('compress-er', 2), '{}'],
      tooMany: [head('gzip, gzip, gzip, gzip, gzip, gzip, gzip', 2), '{}'],
    }
    const upstream = await hostileUpstream(
      '2025-11-25',
      ({ tag, response }) => answers[tag] ?? [withLength(response)],
    )
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    for (const tag of Object.keys(answers))
      await expect(client.callTool('echo', { tag }), tag).rejects.toMatchObject({ name: 'ConnectionError' })
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })
})

describe('compressed responses that end their connection', () => {
  const head = (type: string): string =>
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n`
  const json = (body: string): Buffer => gzipSync(body)

  test.each<[string, (id: number) => readonly (string | Buffer)[]]>([
    ['a broken body', () => [head('application/json'), Buffer.alloc(50, 7), 'end']],
    ['a foreign id', (id) => [head('application/json'), json(toolResult(id + 1, 'foreign')), 'end']],
    ['half a body', (id) => [head('application/json'), json(toolResult(id, 'x')).subarray(0, 30), 'end']],
    [
      'half a body and a reset',
      (id) => [head('application/json'), json(toolResult(id, 'x')).subarray(0, 30), 'reset'],
    ],
    ['a broken stream', () => [head('text/event-stream'), Buffer.alloc(50, 7), 'end']],
    [
      'a foreign id in a stream',
      (id) => [head('text/event-stream'), json(`data: ${toolResult(id + 1, 'x')}\n\n`), 'end'],
    ],
    ['no JSON in a stream', () => [head('text/event-stream'), json('data: {\n\n'), 'reset']],
    [
      'half a stream and a reset',
      (id) => [head('text/event-stream'), json(`data: ${toolResult(id, 'x')}\n\n`).subarray(0, 30), 'reset'],
    ],
    [
      'too long a stream',
      () => [head('text/event-stream'), gzipSync(Buffer.alloc(30_000_000, 'x')), 'reset'],
    ],
  ])('› with %s fail the call alone', async (_name, answer) => {
    const upstream = await hostileUpstream('2025-11-25', ({ id, tag, response }) =>
      tag === 'bad' ? answer(id) : [withLength(response)],
    )
    const target = { url: upstream.url, maxMessageBytes: 1_000_000 }
    const client = await connected(target, { era: '2025-11-25' })
    const calls = Array.from({ length: 5 }, () =>
      client.callTool('echo', { tag: 'bad' }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ name: /Error$/ })
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› that are cancelled while they arrive end nothing else', async () => {
    const body = gzipSync(toolResult(1, 'x'.repeat(10_000)))
    let hasBegun = false
    const upstream = await hostileUpstream('2025-11-25', ({ tag, response }) => {
      if (tag !== 'slow') return [withLength(response)]
      hasBegun = true
      return [head('text/event-stream'), body.subarray(0, 40)]
    })
    const client = await connected(upstream.url, { era: '2025-11-25' })
    const controller = new AbortController()
    const call = client.callTool('echo', { tag: 'slow' }, { signal: controller.signal })
    await expect.poll(() => hasBegun).toBe(true)
    controller.abort(new Error('not wanted'))
    await expect(call).rejects.toThrow('not wanted')
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› of a stream that is whole give the result', async () => {
    const upstream = await hostileUpstream('2025-11-25', ({ response }) => [
      head('text/event-stream'),
      json(`data: ${response}\n\n`),
      'end',
    ])
    const client = await connected(upstream.url, { era: '2025-11-25' })
    for (const tag of ['a', 'b']) expect((await client.callTool('echo', { tag })).data).toBe(tag)
  })
})

test('a header that a proxy would get › is refused before anything is sent', async () => {
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
  const target = { url: upstream.url, headers: { 'Proxy-Authorization': 'secret' } }
  await expect(connected(target)).rejects.toThrow(/^(?!.*secret).*proxy-authorization/)
  expect(upstream.connections).toBe(0)
})

test('a dispatcher that throws › fails the call', async () => {
  const dispatcher = {
    dispatch: (): boolean => {
      throw new Error('no dispatch')
    },
  }
  await expect(connected({ url: 'http://localhost/mcp', dispatcher })).rejects.toMatchObject({
    name: 'ConnectionError',
    outcome: 'not begun',
  })
})

test.each(ERA_PAIRS)(
  'a compressed response with a foreign id, $front → $behind › ends its connection',
  async (eras) => {
    let isForeign = false
    const spoiled = new Set<object>()
    const upstream = await hostileUpstream(eras.behind, ({ id, response }, { socket }) => {
      expect(spoiled.has(socket)).toBe(false)
      if (isForeign) spoiled.add(socket)
      return encoded('gzip', isForeign ? toolResult(id + 1, 'foreign') : response)
    })
    const proxy = FastMCP.asProxy(upstream.url, {
      name: 'proxy',
      era: eras.behind,
      logger: recordingLogger().logger,
    })
    const client = await connected(await serve(proxy), { era: eras.front })
    isForeign = true
    expect(await client.callTool('echo', { tag: 'a' }, { throwOnError: false })).toMatchObject({
      isError: true,
    })
    isForeign = false
    for (let call = 0; call < 3; call++) expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
  },
)

test.each(ERAS)(
  'a server of %s that is silent for longer than the time-outs of undici › is waited for',
  async (era) => {
    const dispatcher = new Agent({ headersTimeout: 100, bodyTimeout: 100 })
    onCleanup(() => dispatcher.close())
    const upstream = await hostileUpstream(era, ({ response }, { socket }) => {
      setTimeout(() => {
        socket.write(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
        )
        const event = `data: ${response}\n\n`
        setTimeout(() => socket.write(`${event.length.toString(16)}\r\n${event}\r\n0\r\n\r\n`), 1700)
      }, 1700)
      return []
    })
    const client = await connected({ url: upstream.url, dispatcher }, { era })
    expect((await client.callTool('echo', { tag: 'late' })).data).toBe('late')
  },
)

test('a dispatcher of the user › sends all requests, OAuth included, and stays open', async () => {
  const dispatcher = new Agent()
  onCleanup(() => dispatcher.close())
  const paths: string[] = []
  const dispatch = dispatcher.dispatch.bind(dispatcher)
  dispatcher.dispatch = (options, handler) => {
    paths.push(options.path)
    return dispatch(options, handler)
  }
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
  const { script } = upstream
  let isRefusing = true
  upstream.script = (request) => {
    if (!isRefusing) return script(request)
    if (request.head.startsWith('POST')) return ['HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n']
    return ['HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n']
  }
  const auth = {
    redirectUrl: 'http://localhost/back',
    clientMetadata: { redirect_uris: ['http://localhost/back'] },
    clientInformation: () => undefined,
    tokens: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
  } as unknown as AuthProvider
  await expect(Client.connect({ url: upstream.url, dispatcher, auth })).rejects.toThrow()
  expect(paths.some((asked) => asked.includes('.well-known/oauth'))).toBe(true)
  isRefusing = false
  const client = await Client.connect({ url: upstream.url, dispatcher }, { era: '2025-11-25' })
  expect((await client.callTool('echo', { tag: 'a' })).data).toBe('a')
  await client.close()
  expect(dispatcher.closed).toBe(false)
})

test('tls › the certificate authority, certificate and key of a client are used', async () => {
  const certificates: unknown[] = []
  const server = createTlsServer(
    { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      certificates.push((request.socket as unknown as { authorized: boolean }).authorized)
      response.writeHead(500).end()
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => new Promise((resolve) => server.close(resolve)))
  const url = `https://localhost:${(server.address() as AddressInfo).port}/mcp`
  await expect(Client.connect({ url, tls: { ca: cert, cert, key } })).rejects.toMatchObject({ status: 500 })
  expect(certificates).toContain(true)
  certificates.length = 0
  await expect(Client.connect({ url, tls: { ca: cert } })).rejects.toThrow()
  await expect(Client.connect({ url, tls: { cert, key } })).rejects.toMatchObject({ outcome: 'not begun' })
  expect(certificates).toEqual([])
})

test('settings that exclude one another, or cannot be meant › are TypeErrors', () => {
  const url = 'http://localhost/mcp'
  const dispatcher = new Agent()
  onCleanup(() => dispatcher.close())
  const given = fetch
  for (const settings of [
    { fetch: given, dispatcher },
    { fetch: given, proxy: 'http://localhost:1' },
    { dispatcher, tls: { ca: cert } },
    { proxy: 'no URL' },
    { dispatcher: {} as never },
    { connectTimeoutMs: 0 },
    { maxSockets: 0 },
  ])
    expect(() => new Client({ url, ...settings }), JSON.stringify(Object.keys(settings))).toThrow(TypeError)
})

test('settings of a target › win over those of the client', async () => {
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
  const unused = () => Promise.reject(new Error('not this one'))
  const options = { era: '2025-11-25', fetch: unused, maxMessageBytes: 10 } as const
  const client = await connected({ url: upstream.url, fetch, maxMessageBytes: 10_000 }, options)
  expect((await client.callTool('echo', { tag: 'a' })).data).toBe('a')
  await expect(connected(upstream.url, options)).rejects.toThrow()
  const proxied = await connected({ url: upstream.url, proxy: false, maxMessageBytes: 10_000 }, options)
  expect((await proxied.callTool('echo', { tag: 'a' })).data).toBe('a')
})

describe('credentials in a URL', () => {
  const seen = async (heads: string[]): Promise<string> => {
    const upstream = await hostileUpstream('2025-11-25', () => [
      'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n',
    ])
    const { script } = upstream
    upstream.script = (request) => {
      heads.push(request.head)
      return script(request)
    }
    return upstream.url.replace('//', '//us%40er:pass%3Aword@').concat('?key=hidden')
  }

  test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
    '› through %s are sent as Basic, and shown nowhere',
    async (way) => {
      const heads: string[] = []
      const url = await seen(heads)
      const { logger, lines } = recordingLogger()
      const proxy = FastMCP.asProxy({ url, ...WAYS[way]() }, { name: 'proxy', era: '2025-11-25', logger })
      const client = await connected(await serve(proxy))
      const failure = await client.callTool('echo', {}, { throwOnError: false })
      expect(heads.length).toBeGreaterThan(1)
      for (const head of heads) expect(head).toContain(`authorization: Basic ${btoa('us@er:pass:word')}`)
      const shown = [JSON.stringify(failure), JSON.stringify(proxy.status()), ...lines].join('\n')
      for (const secret of ['us%40er', 'us@er', 'pass', 'hidden']) expect(shown).not.toContain(secret)
    },
  )

  test('› give way to a token, and to a header', async () => {
    for (const [options, sent] of [
      [{ auth: 'token' }, 'authorization: Bearer token'],
      [{ headers: { Authorization: 'Custom x' } }, 'authorization: Custom x'],
    ] as const) {
      const heads: string[] = []
      await connected({ url: await seen(heads), ...options }, { era: '2025-11-25' })
      expect(heads.length).toBeGreaterThan(1)
      for (const head of heads) expect(head.match(/authorization: .*/gi)).toEqual([sent])
    }
  })
})

describe('a POST is sent again only if it was not sent, or was proven not to have run', () => {
  const isCall = (request: RawRequest): boolean => messageOf(request)?.method === 'tools/call'

  /** An upstream with sessions whose first call is answered with `answer`. Returns how many calls came. */
  async function answering(
    answer: readonly (string | Buffer)[],
  ): Promise<{ url: string; calls: () => number }> {
    let calls = 0
    const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
    const { script } = upstream
    upstream.script = (request) => {
      if (isCall(request) && (calls += 1) === 1) return answer
      return messageOf(request)?.method === 'initialize'
        ? [String(script(request)[0]).replace('content-length', 'mcp-session-id: s\r\ncontent-length')]
        : script(request)
    }
    return { url: upstream.url, calls: () => calls }
  }

  test.each([
    ['404 of its session', 'HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n'],
    ['410 of its session', 'HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n'],
    ['307', 'HTTP/1.1 307 Moved\r\nlocation: /mcp\r\ncontent-length: 0\r\n\r\n'],
    ['308', 'HTTP/1.1 308 Moved\r\nlocation: /mcp\r\ncontent-length: 0\r\n\r\n'],
  ])('%s › again', async (_name, answer) => {
    const { url, calls } = await answering([answer])
    const client = await connected(url, { era: '2025-11-25' })
    expect((await client.callTool('echo', { tag: 'a' })).data).toBe('a')
    expect(calls()).toBe(2)
  })

  test.each<[string, readonly string[]]>([
    ['a connection that ends without a response', ['end']],
    ['a connection that is reset', ['reset']],
    [
      'half of a response',
      ['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{', 'end'],
    ],
    ['500', ['HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n']],
    ['503', ['HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n']],
    ['400', ['HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n']],
    ['401 without OAuth', ['HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n']],
  ])('%s › not again', async (_name, answer) => {
    const { url, calls } = await answering(answer)
    const client = await connected(url, { era: '2025-11-25' })
    await expect(client.callTool('echo', { tag: 'a' })).rejects.toMatchObject({ name: /Error$/ })
    expect(calls()).toBe(1)
    expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
  })
})
