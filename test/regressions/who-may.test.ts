/** What an attack on who may found: each as it must not be again. */
import { FastMCP, type AuthRequest, type FastMCPOptions } from 'fastmesh'
import { bearerAuth, staticTokens, type BearerSession } from 'fastmesh/auth'
import { cache } from 'fastmesh/middleware'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { keyed, LIST, post, secured, sessionOf, withComponents, type User } from '../support/secured.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
const NAME = { name: 'test', version: '1.0.0' }

class Hidden {
  readonly #id: string

  constructor(id: string) {
    this.#id = id
  }

  get id(): string {
    return this.#id
  }
}

describe('callers that cannot be told apart', () => {
  test.each<[string, Partial<FastMCPOptions<never>>]>([
    [
      'a Map',
      { authenticate: ({ headers }: AuthRequest) => new Map([['id', headers['x-api-key']]]) as never },
    ],
    [
      'private members',
      { authenticate: ({ headers }: AuthRequest) => new Hidden(headers['x-api-key'] ?? '') as never },
    ],
    ['a function', { authenticate: () => (() => 1) as never }],
    ['a principal that is none', { authenticate: () => ({}) as never, principal: () => undefined as never }],
    ['an empty principal', { authenticate: () => ({}) as never, principal: () => '' }],
    [
      'a principal that comes later',
      {
        authenticate: () => ({}) as never,
        principal: (async () => Promise.reject(new Error('later'))) as never,
      },
    ],
  ])('for %s are not let in at all', async (_what, options) => {
    const { logger, lines } = recordingLogger()
    const url = await serve(new FastMCP<never>({ ...NAME, logger, ...options }))
    expect((await post(url, keyed('ann').headers)).status).toBe(500)
    expect(lines.join()).toContain('see the option principal')
  })

  test('are, where their class says how', async () => {
    class Known extends Hidden {
      toJSON(): object {
        return { id: this.id }
      }
    }
    const server = new FastMCP<Known>({
      ...NAME,
      authenticate: ({ headers }) => new Known(headers['x-api-key'] ?? ''),
    })
    const url = await serve(server)
    const ann = await sessionOf(url, keyed('ann').headers)
    expect((await post(url, ann, LIST)).status).toBe(200)
    expect((await post(url, { ...ann, ...keyed('bob').headers }, LIST)).status).toBe(404)
  })
})

test('a caller has so many sessions, and takes none from others', async () => {
  const { server } = secured({ session: { maxPerCaller: 2 } })
  const url = await serve(withComponents(server))
  const ann = [await sessionOf(url, keyed('ann').headers), await sessionOf(url, keyed('ann').headers)]
  const refused = await post(url, keyed('ann').headers)
  expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true])
  expect((await post(url, keyed('bob').headers)).status).toBe(200)
  await fetch(url, { method: 'DELETE', headers: ann[0] ?? {} })
  expect((await post(url, keyed('ann').headers)).status).toBe(200)
})

describe('responses that are thrown', () => {
  test.each<[string, () => Response, number]>([
    ['that are none', () => Response.error(), 401],
    [
      'whose body somebody reads',
      () => {
        const response = new Response('x', { status: 403 })
        response.body?.getReader()
        return response
      },
      403,
    ],
    [
      'whose body fails',
      () =>
        new Response(new ReadableStream({ pull: () => Promise.reject(new Error('no')) }), { status: 403 }),
      403,
    ],
    [
      'that say how they are encoded',
      () => new Response('plain', { status: 403, headers: { 'content-encoding': 'gzip' } }),
      403,
    ],
  ])('%s refuse all the same', async (_what, make, status) => {
    for (const authenticate of [
      () => {
        throw make()
      },
      async () => Promise.reject(make()),
    ]) {
      const server = new FastMCP<User>({ ...NAME, authenticate })
      const answer = await post(await serve(server), {})
      expect(answer.status).toBe(status)
      await answer.text()
      expect((await server.request('/mcp', { method: 'POST', headers: { host: 'localhost' } })).status).toBe(
        status,
      )
    }
  })

  test('may be the same each time', async () => {
    const denied = new Response('denied', { status: 401 })
    const url = await serve(
      new FastMCP<User>({
        ...NAME,
        authenticate: () => {
          throw denied
        },
      }),
    )
    for (let count = 0; count < 50; count++) expect(await (await post(url, {})).text()).toBe('denied')
  })
})

describe.each(ERAS)('for clients of %s', (era) => {
  test('a result of somebody is not kept for him when he may less', async () => {
    const { server, users } = secured()
    server.use(cache()).addTool({
      name: 'salaries',
      annotations: { readOnlyHint: true },
      execute: (_args, { session }) => session.permissions.join() || 'nothing',
    })
    const url = await serve(server)
    const salaries = async () =>
      (await (await connected(url, { era, ...keyed('ann') })).callTool('salaries')).data
    expect(await salaries()).toBe('admin')
    users.set('ann', { id: 'ann', permissions: [] })
    expect(await salaries()).toBe('nothing')
  })

  test('nothing is kept for somebody of whom it cannot be told what he may', async () => {
    let runs = 0
    const server = new FastMCP<Hidden>({
      ...NAME,
      authenticate: ({ headers }) => new Hidden(headers['x-api-key'] ?? ''),
      principal: ({ id }) => id,
    })
      .use(cache())
      .addTool({ name: 'counts', annotations: { readOnlyHint: true }, execute: () => (runs += 1) })
    const client = await connected(await serve(server), { era, ...keyed('ann') })
    for (const run of [1, 2]) expect((await client.callTool('counts')).data).toBe(String(run))
  })

  test('a source is watched for who may hear it, whoever came first', async () => {
    const { server } = secured()
    let changed: (() => void) | undefined
    server.addResource({
      uri: 'note://watched',
      name: 'watched',
      canAccess: ({ permissions }) => permissions.includes('admin'),
      load: () => '',
      watch: (tell) => {
        changed = tell
        return () => {
          changed = undefined
        }
      },
    })
    const url = await serve(server)
    const heard: string[] = []
    const bob = await connected(url, { era, ...keyed('bob') })
    await bob.subscribe('note://watched', () => heard.push('bob'))
    expect(changed).toBeUndefined()
    const ann = await connected(url, { era, ...keyed('ann') })
    await ann.subscribe('note://watched', () => heard.push('ann'))
    await expect.poll(() => changed).toBeDefined()
    changed?.()
    await expect.poll(() => heard).toEqual(['ann'])
    await ann.close()
    await expect.poll(() => changed).toBeUndefined()
  })

  test('nobody hears of what he does not find behind a proxy', async () => {
    const { server: inner } = secured()
    inner.addResource({
      uri: 'note://mine',
      name: 'mine',
      canAccess: ({ permissions }) => permissions.includes('admin'),
      load: () => '',
    })
    const { server } = secured()
    const proxy = FastMCP.asProxy(await serve(inner), {
      name: 'inner',
      logger: recordingLogger().logger,
      headers: ({ session }) => ({ 'x-api-key': (session as User).id }),
    })
    const url = await serve(server.mount(proxy))
    const heard: string[] = []
    for (const who of ['bob', 'ann']) {
      const client = await connected(url, { era, ...keyed(who) })
      await client.subscribe('note://mine', () => heard.push(who))
    }
    inner.notifyResourceUpdated('note://mine')
    await expect.poll(() => heard, { timeout: 5000 }).toEqual(['ann'])
  })

  test('scopes are asked for where values are suggested, and hold in servers of their own', async () => {
    const auth = bearerAuth({
      resource: 'http://127.0.0.1/mcp',
      authorizationServers: ['https://issuer.example'],
      scopeHierarchy: { admin: ['read'] },
      verify: staticTokens({
        admin: { clientId: 'a', subject: 'ann', scopes: ['admin'] },
        low: { clientId: 'a', subject: 'bob', scopes: ['other'] },
      }),
    })
    const make = () =>
      new FastMCP<BearerSession>(NAME)
        .addTool({ name: 'reads', requiredScopes: ['read'], execute: () => 'read' })
        .addPrompt({
          name: 'prompt',
          requiredScopes: ['read'],
          arguments: [{ name: 'a', complete: () => ['secret'] }],
          load: () => '',
        })
    const server = new FastMCP<BearerSession>({ ...NAME, auth })
      .mount('live', make())
      .mount('apart', make(), { asProxy: true })
    const url = await serve(server)
    const [admin, low] = [
      await connected(url, { era, auth: 'admin' }),
      await connected(url, { era, auth: 'low' }),
    ]
    for (const prefix of ['live', 'apart']) {
      expect((await admin.callTool(`${prefix}_reads`)).data).toBe('read')
      await expect(low.callTool(`${prefix}_reads`), prefix).rejects.toThrow(/[Ii]nsufficient scope/)
      const asked = {
        ref: { type: 'ref/prompt', name: `${prefix}_prompt` },
        argument: { name: 'a', value: '' },
      } as const
      expect((await admin.complete(asked)).values).toEqual(['secret'])
      await expect(low.complete(asked), prefix).rejects.toThrow(/[Ii]nsufficient scope/)
    }
    if (era === '2025-11-25') {
      const session = await sessionOf(url, { authorization: 'Bearer low' })
      const call = (name: string) =>
        post(url, session, { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name } })
      for (const prefix of ['live', 'apart']) {
        const refused = await call(`${prefix}_reads`)
        expect([prefix, refused.status]).toEqual([prefix, 403])
        expect(refused.headers.get('www-authenticate')).toContain('scope="other read"')
      }
    }
  })
})

test('values in a query lead out of no folder either', async () => {
  const server = new FastMCP(NAME)
    .addResourceTemplate({ uriTemplate: 'q://get{?path}', name: 'q', load: ({ path }) => path })
    .addResourceTemplate({
      uriTemplate: 'any://get{?path}',
      name: 'a',
      unsafeValues: true,
      load: ({ path }) => path,
    })
  const client = await connected(server)
  for (const path of ['../etc', 'a/../../b', '%2e%2e%2fx', 'a%00'])
    await expect(client.readResource(`q://get?path=${path}`), path).rejects.toThrow('Resource not found')
  expect((await client.readResource('q://get?path=a/b..c')).contents).toMatchObject([{ text: 'a/b..c' }])
  expect((await client.readResource('any://get?path=../x')).contents).toMatchObject([{ text: '../x' }])
})
