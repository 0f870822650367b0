/** A proxy of one server introduces itself by that server's information, unless it was given its own. */
import { FastMCP, type EraName, type ProxyOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream, type Script } from '../support/scripted-upstream.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))
const ICONS = [{ src: 'https://example.com/icon.png' }]

const INFO = { name: 'weather', version: '7.1.0', title: 'The weather', icons: ICONS }

function behindServer(): FastMCP {
  return new FastMCP({ ...INFO, instructions: 'Ask for the weather' }).addTool({
    name: 'it',
    execute: () => 'it',
  })
}

/** Answers `initialize` and `server/discover` with this information. */
function introducing(serverInfo: object, instructions?: string): Script {
  return ({ method }, response) => {
    if (method === 'server/discover') {
      const _meta = { 'io.modelcontextprotocol/serverInfo': serverInfo }
      return { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, instructions, _meta }
    }
    if (method !== 'initialize') return undefined
    response.setHeader('mcp-session-id', 'the-session')
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo, instructions }
  }
}

describe.each(pairs)('a client of $front of a proxy of a server of $behind', ({ front, behind }) => {
  test("› gets the server's name, version, title, icons and instructions", async () => {
    const proxy = FastMCP.asProxy(await serve(behindServer()), { era: behind })
    const client = await connected(await serve(proxy), { era: front })
    expect(client.serverInfo).toEqual(INFO)
    expect(client.instructions).toBe('Ask for the weather')
  })

  test.each<[string, ProxyOptions, object]>([
    ['a name', { name: 'mine' }, { name: 'mine', version: '7.1.0' }],
    ['a version', { version: '2.0.0' }, { ...INFO, version: '2.0.0' }],
    ['a title', { title: 'Mine' }, { ...INFO, title: 'Mine' }],
  ])('› gets %s that the proxy was given', async (_what, options, expected) => {
    const proxy = FastMCP.asProxy(await serve(behindServer()), { era: behind, ...options })
    const client = await connected(await serve(proxy), { era: front })
    expect(client.serverInfo).toEqual(expected)
  })

  test('› gets no more than a limited part of excessive information', async () => {
    const upstream = await ScriptedUpstream.start(
      introducing({
        name: `\u001b[31m${'n'.repeat(10_000)}`,
        version: 'v'.repeat(10_000),
        title: 't'.repeat(10_000),
        icons: [
          { src: `data:image/png;base64,${'A'.repeat(64 * 1024)}` },
          { src: 'data:image/png;base64,AAAA' },
          ...Array.from({ length: 100 }, (_, at) => ({ src: `https://example.com/${at}` })),
        ],
      }),
    )
    upstream.sessions.add('the-session')
    const proxy = FastMCP.asProxy(upstream.url, { era: behind })
    const { serverInfo } = await connected(await serve(proxy), { era: front })
    expect(serverInfo?.name).toBe(`[31m${'n'.repeat(124)}`)
    expect(serverInfo).toMatchObject({ version: '0.0.0' })
    expect(serverInfo?.title).toBeUndefined()
    expect(serverInfo?.icons).toHaveLength(16)
    expect(serverInfo?.icons?.[0]?.src).toBe('data:image/png;base64,AAAA')
  })
})

test.each(ERAS)(
  'a client of %s of a proxy whose server does not answer › waits 3 s, then gets its host',
  async (front) => {
    const upstream = await ScriptedUpstream.start(({ method }) =>
      method === 'initialize' || method === 'server/discover' ? new Promise(() => undefined) : undefined,
    )
    const url = await serve(FastMCP.asProxy(upstream.url))
    const began = performance.now()
    const client = await connected(url, { era: front })
    expect(performance.now() - began).toBeGreaterThan(2500)
    expect(client.serverInfo?.name).toBe(`127.0.0.1:${upstream.port}`)
  },
  20_000,
)

test('a composite, and a proxy with other components › introduce themselves', async () => {
  const target = await serve(behindServer())
  const composite = FastMCP.asProxy({ mcpServers: { a: { url: target } } })
  const mixed = FastMCP.asProxy(target, { version: '3.0.0' }).mount(
    'x',
    new FastMCP({ name: 'other', version: '1.0.0' }),
  )
  const [ofComposite, ofMixed] = await Promise.all([
    connected(await serve(composite)),
    connected(await serve(mixed as FastMCP)),
  ])
  expect(ofComposite.serverInfo?.name).toBe('composite')
  expect(ofMixed.serverInfo).toEqual({ name: new URL(target).host, version: '3.0.0' })
})

test.each(ERAS)('headers that cannot be made › do not keep a client of %s from connecting', async (front) => {
  const proxy = FastMCP.asProxy(await serve(behindServer()), {
    headers: () => {
      throw new Error('no token')
    },
  })
  const client = await connected(await serve(proxy), { era: front })
  expect(client.serverInfo?.name).toMatch(/^127\.0\.0\.1:/)
})

test('information for one set of headers › is given to no other', async () => {
  const upstream = await ScriptedUpstream.start()
  const proxy = FastMCP.asProxy(upstream.url, {
    era: '2026-07-28',
    headers: ({ headers }) => ({ 'x-tenant': headers?.['x-tenant'] ?? 'none' }),
  })
  upstream.script = (asked, response) =>
    introducing({ name: `of ${asked.headers['x-tenant'] as string}`, version: '1' })(asked, response)
  const url = await serve(proxy)
  const as = (tenant: string) => connected({ url, headers: { 'x-tenant': tenant } }, { era: '2026-07-28' })
  const [alice, bob] = [await as('alice'), await as('bob')]
  expect([alice.serverInfo?.name, bob.serverInfo?.name]).toEqual(['of alice', 'of bob'])
})

const slow = new URL('../servers/slow-to-start.ts', import.meta.url).pathname

test('the instructions of a process that starts slowly › are there for the next session', async () => {
  const proxy = FastMCP.asProxy({ command: process.execPath, args: ['--import', 'tsx', slow] })
  const url = await serve(proxy)
  const options = { era: '2025-11-25' } as const
  const first = await connected(url, options)
  expect(first.instructions).toBeUndefined()
  expect((await first.listTools()).length).toBeGreaterThan(0)
  const second = await connected(url, options)
  expect(second.instructions).toBe('Use it all')
  expect(second.serverInfo?.name).toBe('featured')
}, 60_000)
