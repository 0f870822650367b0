/** An OAuth 2.1 resource server: which tokens let in, and what is told to who has none that does. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, FastMCP } from 'fastmesh'
import {
  bearerAuth,
  introspectionVerifier,
  jwtVerifier,
  staticTokens,
  type BearerAuthOptions,
  type BearerSession,
} from 'fastmesh/auth'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { startAuthorizationServer } from '../../examples/oauth/authorization-server.js'
import { scriptedUser } from '../../examples/oauth/scripted-user.js'
import { onCleanup } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { INITIALIZE, LIST, post } from '../support/secured.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
const ISSUER = 'https://issuer.example'

/** Something that answers HTTP until the test is over. */
async function listening(answer: Parameters<typeof createServer>[1] = () => undefined): Promise<number> {
  const http = createServer(answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onCleanup(async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  return (http.address() as AddressInfo).port
}

/** Who signs tokens, and may change his keys. */
async function signer(alg = 'RS256', kid = 'one') {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg }
  const sign = (audience: string, claims: Record<string, unknown> = {}, expires: string | number = '5m') =>
    new SignJWT({ scope: 'read', client_id: 'app', ...claims })
      .setProtectedHeader({ alg, kid })
      .setSubject((claims['sub'] as string | undefined) ?? 'ann')
      .setIssuer((claims['iss'] as string | undefined) ?? ISSUER)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(privateKey)
  return { jwk, sign }
}

async function protectedServer(options: Partial<BearerAuthOptions> & Pick<BearerAuthOptions, 'verify'>) {
  const port = await freePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const { logger, lines } = recordingLogger()
  const server = new FastMCP<BearerSession>({
    name: 'protected',
    version: '1.0.0',
    logger,
    auth: bearerAuth({ resource, requiredScopes: ['read'], authorizationServers: [ISSUER], ...options }),
  })
    .addTool({
      name: 'who',
      execute: (_args, { session }) => `${session.subject} ${session.scopes.join(' ')}`,
    })
    .addTool({ name: 'write', requiredScopes: ['write', 'extra'], execute: () => 'written' })
    .addTool({
      name: 'asks',
      execute: async (_args, { callTool }) => callTool('write'),
    })
  await server.start({ httpStream: { port, host: '127.0.0.1' } })
  onCleanup(() => server.stop())
  return { server, resource, lines, base: resource.replace('/mcp', '') }
}

async function freePort(): Promise<number> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  await new Promise((resolve) => http.close(resolve))
  return port
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Status and challenge of a request. */
async function refusal(url: string, headers: Record<string, string>, body: unknown = INITIALIZE) {
  const response = await post(url, headers, body)
  await response.text()
  return [response.status, response.headers.get('www-authenticate') ?? ''] as const
}

describe('signed tokens', () => {
  test('let in for what they are good for, and for nothing else', async () => {
    const [good, other] = [await signer(), await signer('RS256', 'one')]
    const { resource, base } = await protectedServer({
      verify: async (token) => verify(token),
    })
    const verify = jwtVerifier({ keys: { keys: [good.jwk] }, issuer: ISSUER, audience: resource })
    for (const era of ERAS) {
      const client = await connected(resource, { era, auth: await good.sign(resource) })
      expect((await client.callTool('who')).data).toBe('ann read')
    }
    const metadata = `resource_metadata="${base}/.well-known/oauth-protected-resource/mcp"`
    expect(await refusal(resource, {})).toEqual([401, `Bearer scope="read", ${metadata}`])
    expect(await refusal(resource, { authorization: 'Basic YTpi' })).toEqual([
      401,
      `Bearer scope="read", ${metadata}`,
    ])
    expect((await refusal(`${resource}?access_token=${await good.sign(resource)}`, {}))[0]).toBe(401)
    const lower = await post(resource, { authorization: `bearer ${await good.sign(resource)}` })
    expect(lower.status).toBe(200)

    const none = `${btoa('{"alg":"none"}')}.${btoa(`{"iss":"${ISSUER}","aud":"${resource}","exp":9999999999,"scope":"read"}`)}.`
    const bad = {
      expired: await good.sign(resource, {}, Math.floor(Date.now() / 1000) - 60),
      elsewhere: await good.sign('https://other.example/mcp'),
      'of another issuer': await good.sign(resource, { iss: 'https://evil.example' }),
      'signed by another': await other.sign(resource),
      unsigned: none.replaceAll('=', ''),
      'signed with the public key': await new SignJWT({ scope: 'read' })
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .setIssuer(ISSUER)
        .setAudience(resource)
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(JSON.stringify(good.jwk))),
      garbage: 'garbage',
    }
    for (const [what, token] of Object.entries(bad)) {
      const [status, challenge] = await refusal(resource, bearer(token))
      expect([what, status]).toEqual([what, 401])
      expect(challenge).toContain('error="invalid_token"')
      expect(challenge).toContain(metadata)
    }
    for (const malformed of ['Bearer', 'Bearer a b', 'Bearer "x"']) {
      const [status, challenge] = await refusal(resource, { authorization: malformed })
      expect(status).toBe(400)
      expect(challenge).toContain('error="invalid_request"')
    }
    const [status, challenge] = await refusal(resource, bearer(await good.sign(resource, { scope: 'other' })))
    expect(status).toBe(403)
    expect(challenge).toMatch(/error="insufficient_scope".*scope="read"/)
  })

  test('follow keys that are changed, and clocks that differ a little', async () => {
    let keys: JWK[] = []
    const jwks = await listening((_request, response) => response.end(JSON.stringify({ keys })))
    const [first, second] = [await signer('ES256', 'first'), await signer('ES256', 'second')]
    keys = [first.jwk]
    const jwksUri = `http://127.0.0.1:${jwks}/jwks`
    const { resource } = await protectedServer({ verify: (token) => verify(token) })
    const verify = jwtVerifier({ jwksUri, issuer: ISSUER, audience: resource, clockSkewSeconds: 30 })
    expect((await refusal(resource, bearer(await first.sign(resource))))[0]).toBe(200)
    const late = await first.sign(resource, {}, Math.floor(Date.now() / 1000) - 2)
    expect((await refusal(resource, bearer(late)))[0]).toBe(200)
    keys = [second.jwk]
    // The issuer is not asked more often than twice a minute, whoever comes with keys that nobody knows.
    expect((await refusal(resource, bearer(await second.sign(resource))))[0]).toBe(401)
    const anew = jwtVerifier({ jwksUri, issuer: ISSUER, audience: resource })
    await expect(anew(await second.sign(resource))).resolves.toMatchObject({ subject: 'ann' })
  })

  test('cannot be verified while their issuer is away, which is no fault of theirs', async () => {
    const port = await freePort()
    const one = await signer()
    const { resource, lines } = await protectedServer({ verify: (token) => verify(token) })
    const jwksUri = `http://127.0.0.1:${port}/jwks`
    const verify = jwtVerifier({ jwksUri, issuer: ISSUER, audience: resource })
    expect((await refusal(resource, bearer(await one.sign(resource))))[0]).toBe(503)
    expect(lines.join()).toContain('Tokens cannot be verified now')
  })

  test('of the same subject are of the same caller, others are not', async () => {
    const one = await signer()
    const { resource } = await protectedServer({ verify: (token) => verify(token) })
    const verify = jwtVerifier({ keys: { keys: [one.jwk] }, issuer: ISSUER, audience: resource })
    const opened = await post(resource, bearer(await one.sign(resource)))
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const refreshed = bearer(await one.sign(resource, {}, '10m'))
    expect((await post(resource, { ...session, ...refreshed }, LIST)).status).toBe(200)
    const bob = bearer(await one.sign(resource, { sub: 'bob' }))
    expect((await post(resource, { ...session, ...bob }, LIST)).status).toBe(404)
    const otherClient = bearer(await one.sign(resource, { client_id: 'another' }))
    expect((await post(resource, { ...session, ...otherClient }, LIST)).status).toBe(404)
  })

  test.each<[string, Partial<Parameters<typeof jwtVerifier>[0]>]>([
    ['no keys', { keys: undefined }],
    ['keys and a secret', { secret: 'x'.repeat(32) }],
    ['a short secret', { keys: undefined, secret: 'short' }],
    ['algorithms of a secret for keys', { algorithms: ['HS256'] }],
    ['no algorithm', { algorithms: ['none'] }],
    ['no audience', { audience: [] }],
    ['keys that anybody on the way can change', { keys: undefined, jwksUri: 'http://issuer.example/jwks' }],
  ])('are not verified with %s', (_what, options) => {
    const keys = { keys: [] }
    expect(() => jwtVerifier({ keys, issuer: ISSUER, audience: 'https://a.example', ...options })).toThrow(
      TypeError,
    )
  })
})

describe('scopes', () => {
  const tokens = {
    reader: { clientId: 'app', subject: 'ann', scopes: ['read'] },
    writer: { clientId: 'app', subject: 'ann', scopes: ['write', 'extra'] },
    admin: { clientId: 'app', subject: 'ann', scopes: ['admin', 'offline_access'] },
  }
  const scopeHierarchy = { admin: ['write', 'extra'], write: ['read'], read: ['admin'] }

  test('that a tool needs are named all at once, and hold those below them', async () => {
    const { resource } = await protectedServer({
      verify: staticTokens(tokens),
      scopeHierarchy: { ...scopeHierarchy, read: [] },
    })
    for (const era of ERAS) {
      const reader = await connected(resource, { era, auth: 'reader' })
      expect((await reader.listTools()).map(({ name }) => name)).toEqual(['who', 'write', 'asks'])
      await expect(reader.callTool('write')).rejects.toThrow(/scope|403/)
      await expect(reader.callTool('asks')).rejects.toThrow(/scope|403/)
      for (const auth of ['writer', 'admin']) {
        const client = await connected(resource, { era, auth })
        expect((await client.callTool('write')).data).toBe('written')
        expect((await client.callTool('asks')).data).toBe('written')
      }
    }
    const session = (await post(resource, bearer('reader'))).headers.get('mcp-session-id') ?? ''
    const call = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'write' } }
    const [status, challenge] = await refusal(
      resource,
      { ...bearer('reader'), 'mcp-session-id': session },
      call,
    )
    expect(status).toBe(403)
    expect(challenge).toMatch(
      /^Bearer error="insufficient_scope", .*scope="read write extra", resource_metadata=/,
    )
  })

  test('may go round in circles', async () => {
    const { resource } = await protectedServer({ verify: staticTokens(tokens), scopeHierarchy })
    expect((await (await connected(resource, { auth: 'reader' })).callTool('write')).data).toBe('written')
  })

  test('that no client should ask for are not named', async () => {
    const { base } = await protectedServer({
      verify: staticTokens(tokens),
      requiredScopes: ['read', 'offline_access'],
      resourceName: 'Notes',
    })
    const paths = ['', '/mcp'].map((path) => `${base}/.well-known/oauth-protected-resource${path}`)
    const documents = await Promise.all(paths.map(async (path) => (await fetch(path)).json()))
    expect(documents[0]).toEqual(documents[1])
    expect(documents[0]).toEqual({
      resource: `${base}/mcp`,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read'],
      resource_name: 'Notes',
    })
    expect(await refusal(`${base}/mcp`, {})).toMatchObject([401, expect.stringContaining('scope="read"')])
    expect((await fetch(paths[0]!, { method: 'POST' })).status).toBe(405)
  })
})

/** The address of a server that takes tokens of a real authorization server. */
async function withAuthorizationServer(): Promise<string> {
  const authorization = await startAuthorizationServer(['read'])
  onCleanup(() => authorization.close())
  const { issuer } = authorization
  const { resource } = await protectedServer({
    authorizationServers: [issuer],
    verify: (token) => verify(token),
  })
  const verify = jwtVerifier({ jwksUri: `${issuer}/jwks`, issuer, audience: resource })
  return resource
}

describe('with a real authorization server', () => {
  test('a client that registers itself goes the whole way', async () => {
    const resource = await withAuthorizationServer()
    for (const era of ERAS) {
      const user = scriptedUser()
      const client = await connected(resource, { era, auth: user })
      expect((await client.callTool('who')).data).toBe('ann read')
      expect(user.visits).toHaveLength(1)
    }
    await expect(Client.connect(resource)).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  test('a client that sends its user there goes on with what he brings back', async () => {
    const resource = await withAuthorizationServer()
    const user = scriptedUser()
    const { authorizationResponse, ...provider } = user
    const client = new Client(resource, { auth: provider })
    onCleanup(() => client.close())
    await expect(client.connect()).rejects.toMatchObject({ name: 'UnauthorizedError' })
    expect(user.visits).toHaveLength(1)
    await client.finishAuth((await authorizationResponse?.()) ?? { code: '' })
    expect((await client.callTool('who')).data).toBe('ann read')
    expect(user.visits).toHaveLength(1)
  })

  test('a token that is revoked there is refused at once', async () => {
    let active: object = { active: true, sub: 'ann', client_id: 'app', scope: 'read', aud: 'us' }
    const seen: (string | undefined)[] = []
    const port = await listening((request, response) => {
      seen.push(request.headers.authorization)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(active))
    })
    const options = { url: `http://127.0.0.1:${port}/`, clientId: 'rs', clientSecret: 'a:b', issuer: ISSUER }
    const { resource } = await protectedServer({
      verify: introspectionVerifier({ ...options, audience: 'us' }),
    })
    const client = await connected(resource, { auth: 'opaque' })
    expect((await client.callTool('who')).data).toBe('ann read')
    expect(new Set(seen)).toEqual(new Set([`Basic ${btoa('rs:a%3Ab')}`]))
    active = { ...active, aud: 'them' }
    await expect(client.callTool('who')).rejects.toMatchObject({ name: 'UnauthorizedError' })
    active = { active: false }
    await expect(client.callTool('who')).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })
})

test.each<[string, Partial<BearerAuthOptions>]>([
  ['an address that anybody on the way can change', { resource: 'http://mcp.example.com/mcp' }],
  ['nobody who issues tokens', { authorizationServers: [] }],
  ['no verifier', { verify: undefined as never }],
])('bearerAuth does not take %s', (_what, options) => {
  const good = {
    verify: staticTokens({}),
    resource: 'https://mcp.example.com/mcp',
    authorizationServers: [ISSUER],
  }
  expect(() => bearerAuth({ ...good, ...options })).toThrow(TypeError)
})

test('there are no two ways to let in at once', () => {
  const auth = bearerAuth({
    verify: staticTokens({}),
    resource: 'https://a.example',
    authorizationServers: [ISSUER],
  })
  expect(() => new FastMCP({ name: 'n', version: '1', auth, authenticate: () => undefined })).toThrow(/both/)
})
