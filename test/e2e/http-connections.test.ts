/** How a client connects over HTTP: dispatchers, certificates, credentials, silence, and what is sent again. */
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Client, FastMCP, type AuthProvider } from 'fastmesh'
import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { ERAS, hostileUpstream, messageOf, withLength } from '../support/hostile-upstream.js'
import { WAYS } from '../support/http-ways.js'
import { connected } from '../support/own-client.js'
import type { RawRequest } from '../support/raw-upstream.js'
import { recordingLogger } from '../support/recording.js'

const path = (name: string): string => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname
const cert = readFileSync(path('cert.pem'))
const key = readFileSync(path('key.pem'))

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
