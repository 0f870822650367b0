/** Redirects apply to one request, and lead to the same origin only (RFC 9110, section 15.4). */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, FastMCP, type AuthProvider } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { ERA_PAIRS, hostileUpstream, messageOf, withLength } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { mcpAnswer, plain, RawUpstream, type RawRequest } from '../support/raw-upstream.js'
import { recordingLogger } from '../support/recording.js'

const redirect = (status: number, location: string): string =>
  `HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`

const pathOf = ({ head }: RawRequest): string => head.split(' ')[1] ?? ''

const tagOf = (request: RawRequest): unknown => messageOf(request)?.params?.arguments?.['tag']

/** A server that keeps the heads of the requests that it gets, and answers none of them well. */
async function bystander(): Promise<{ origin: string; heads: IncomingMessage['headers'][] }> {
  const heads: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    heads.push(request.headers)
    response.writeHead(500).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => new Promise((resolve) => server.close(resolve)))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heads }
}

describe.each(ERA_PAIRS)('a redirect of one caller, $front → $behind', (eras) => {
  test.each([307, 308])(
    '%i › other callers, and later calls, use the address of the proxy',
    async (status) => {
      const paths: [unknown, string][] = []
      const upstream = await hostileUpstream(eras.behind, ({ tag, response }, request) => {
        paths.push([tag, pathOf(request)])
        return tag === 'ann' && pathOf(request) === '/mcp' && paths.length < 4
          ? [redirect(status, '/elsewhere')]
          : [withLength(response)]
      })
      const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: eras.behind })
      const url = await serve(proxy)
      const ann = await connected(url, { era: eras.front })
      const bob = await connected(url, { era: eras.front })
      expect((await bob.callTool('echo', { tag: 'bob' })).data).toBe('bob')
      expect((await ann.callTool('echo', { tag: 'ann' })).data).toBe('ann')
      expect((await bob.callTool('echo', { tag: 'bob' })).data).toBe('bob')
      expect((await ann.callTool('echo', { tag: 'ann' })).data).toBe('ann')
      expect(paths).toEqual([
        ['bob', '/mcp'],
        ['ann', '/mcp'],
        ['ann', '/elsewhere'],
        ['bob', '/mcp'],
        ['ann', '/mcp'],
      ])
    },
  )
})

test('redirects at once › each request is redirected by itself', async () => {
  const upstream = await hostileUpstream('2025-11-25', ({ tag, response }, request) =>
    pathOf(request) === '/mcp' ? [redirect(307, `/to/${tag}`)] : [withLength(response)],
  )
  const paths: string[] = []
  const { script } = upstream
  upstream.script = (request) => {
    if (tagOf(request) !== undefined) paths.push(`${String(tagOf(request))} ${pathOf(request)}`)
    return script(request)
  }
  const client = await connected(upstream.url, { era: '2025-11-25' })
  await Promise.all(['a', 'b', 'c'].map((tag) => client.callTool('echo', { tag })))
  expect(paths.sort()).toEqual(['a /mcp', 'a /to/a', 'b /mcp', 'b /to/b', 'c /mcp', 'c /to/c'])
})

test('more than five redirects, or one that changes the method › the call fails and was not run', async () => {
  let status = 307
  const upstream = await hostileUpstream('2025-11-25', () => [redirect(status, '/mcp')])
  const client = await connected(upstream.url, { era: '2025-11-25' })
  const call = () => client.callTool('echo', { tag: 'a' })
  await expect(call()).rejects.toMatchObject({ status, outcome: 'not begun', message: /more than 5 times/ })
  for (status of [301, 302]) await expect(call()).rejects.toMatchObject({ status, outcome: 'not begun' })
  status = 303
  await expect(call()).rejects.toMatchObject({ status, outcome: 'unknown' })
})

describe('a redirect to another origin › is refused with the name of that origin, which gets no request', () => {
  const secrets = { authorization: 'Bearer secret', cookie: 'session=secret', 'x-api-key': 'secret' }

  test.each([301, 302, 303, 307, 308])('POST, %i', async (status) => {
    const { origin, heads } = await bystander()
    const upstream = await RawUpstream.start((request) =>
      messageOf(request)?.method === 'tools/call'
        ? [redirect(status, `${origin}/mcp`)]
        : [plain(mcpAnswer(request))],
    )
    const client = await connected({ url: upstream.url, headers: secrets }, { era: '2025-11-25' })
    await expect(client.callTool('echo')).rejects.toThrow(origin)
    expect(heads).toEqual([])
  })

  test.each(['GET', 'DELETE'])('%s', async (method) => {
    const { origin, heads } = await bystander()
    let isAsked = false
    const upstream = await RawUpstream.start((request) => {
      if (!request.head.startsWith(method)) return [plain(mcpAnswer(request), 'mcp-session-id: s\r\n')]
      isAsked = true
      return [redirect(307, `${origin}/mcp`)]
    })
    const client = await Client.connect({ url: upstream.url, headers: secrets }, { era: '2025-11-25' })
    if (method === 'GET') await expect.poll(() => isAsked).toBe(true)
    expect((await client.callTool('echo')).data).toBe('grüße')
    await client.close()
    expect(isAsked).toBe(true)
    expect(heads).toEqual([])
  })

  test('the endpoint event of HTTP+SSE', async () => {
    const { origin, heads } = await bystander()
    const upstream = await RawUpstream.start(() => [
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: ${origin}/message\n\n`,
    ])
    const target = { url: upstream.url, transport: 'sse', headers: secrets } as const
    await expect(Client.connect(target)).rejects.toThrow(origin)
    expect(heads).toEqual([])
  })

  test.each(['metadata', 'token'])('OAuth: the %s request', async (redirected) => {
    const { origin: other, heads } = await bystander()
    let origin = ''
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', origin)
      const json = (value: object): void => {
        response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
      }
      if (pathname === '/mcp') response.writeHead(401).end()
      else if (redirected === 'metadata' || (redirected === 'token' && pathname === '/token'))
        response.writeHead(307, { location: `${other}${pathname}` }).end()
      else if (pathname.includes('oauth-protected-resource'))
        json({ resource: `${origin}/mcp`, authorization_servers: [origin] })
      else if (pathname.includes('oauth-authorization-server'))
        json({
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          grant_types_supported: ['refresh_token'],
        })
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onCleanup(() => new Promise((resolve) => server.close(resolve)))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const auth = {
      redirectUrl: 'http://localhost/back',
      clientMetadata: { redirect_uris: ['http://localhost/back'] },
      clientInformation: () => ({ client_id: 'id', client_secret: 'secret' }),
      tokens: () => ({ access_token: 'old', token_type: 'Bearer', refresh_token: 'secret' }),
      saveTokens: () => undefined,
      redirectToAuthorization: () => undefined,
      saveCodeVerifier: () => undefined,
      codeVerifier: () => 'verifier',
    } as unknown as AuthProvider
    await expect(Client.connect({ url: `${origin}/mcp`, auth })).rejects.toThrow()
    expect(heads).toEqual([])
  })
})

test('a proxy › tells which origin an upstream redirects to', async () => {
  const { origin, heads } = await bystander()
  const upstream = await hostileUpstream('2025-11-25', () => [redirect(307, `${origin}/mcp`)])
  const { logger, lines } = recordingLogger()
  const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: '2025-11-25', logger })
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  expect(await client.callTool('echo', {}, { throwOnError: false })).toMatchObject({ isError: true })
  expect(JSON.stringify(lines) + String(proxy.status().upstreams[0]?.lastError)).toContain(origin)
  expect(heads).toEqual([])
})
