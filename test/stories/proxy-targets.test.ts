/** What a proxy can stand before, and how it is taken in by others. */
import { Client, FastMCP, NpxStdioTransport } from 'fastmesh'
import { expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
const server = (name: string) =>
  new FastMCP({ name, version: '1.0.0' })
    .addTool({ name: 'who', execute: () => name })
    .addResource({ uri: 'note://who', name: 'who', load: () => name })

test.each(ERAS)('a client is one, its target and options taken over, for %s', async (era) => {
  let shown: string | undefined
  const behind = new FastMCP<{ key: string }>({
    name: 'behind',
    version: '1.0.0',
    authenticate: ({ headers }) => ({ key: (shown = headers['x-key']) ?? '' }),
  }).addTool({ name: 'who', execute: (_args, { session }) => session.key })
  const client = new Client(await serve(behind), { headers: { 'x-key': 'of the client' }, era })
  const front = await connected(FastMCP.asProxy(client), { era })
  expect((await front.callTool('who')).data).toBe('of the client')
  expect(shown).toBe('of the client')
})

test('files and packages are run by what runs them', () => {
  const targetOf = (target: Parameters<typeof FastMCP.asProxy>[0]) =>
    FastMCP.asProxy(target).status().upstreams[0]?.target
  expect(targetOf('server.py')).toMatch(/^python3? server\.py$/)
  expect(targetOf('server.mjs')).toBe(`${process.execPath} server.mjs`)
  expect(targetOf('server.ts')).toMatch(/--import file:.*tsx.* server\.ts$/)
  expect(targetOf({ command: 'program', args: ['one', 'two'] })).toBe('program one two')
  expect(() => FastMCP.asProxy('server.rb')).toThrow(/\.ts, \.js or \.py/)
  expect(() => FastMCP.asProxy('ftp://example.com')).toThrow(TypeError)
})

test('a package is fetched and started by npx', async () => {
  const file = new URL('../servers/featured.ts', import.meta.url).pathname
  const client = await connected(new NpxStdioTransport({ package: 'tsx', args: [file] }))
  expect((await client.listTools()).length).toBeGreaterThan(0)
  const missing = new NpxStdioTransport({
    package: '@fastmesh/no-such-package-anywhere',
    env: { npm_config_offline: 'true' },
  })
  await expect(Client.connect(missing)).rejects.toThrow(/closed/)
  expect(() => new NpxStdioTransport({ package: '--call=evil' })).toThrow(TypeError)
}, 30_000)

test.each(ERAS)('a proxy is imported with what its server has by then, for %s', async (era) => {
  const proxy = FastMCP.asProxy(await serve(server('far')), { name: 'far' })
  onCleanup(() => proxy.stop())
  const main = server('main')
  await serve(proxy)
  await expect.poll(() => proxy.status().upstreams[0]?.state).toBe('connected')
  await main.importServer('copy', proxy)
  const client = await connected(main, { era })
  expect((await client.listTools()).map(({ name }) => name)).toEqual(['who', 'copy_who'])
  expect((await client.callTool('copy_who')).data).toBe('far')
  expect((await client.readResource('note://copy/who')).contents).toMatchObject([{ text: 'far' }])
})

test.each(ERAS)('composites stand before composites, and have tools of their own, for %s', async (era) => {
  const [one, two] = [await serve(server('one')), await serve(server('two'))]
  const inner = FastMCP.asProxy({ mcpServers: { one: { url: one }, two: { url: two } } }, { name: 'inner' })
  inner.addTool({ name: 'own', execute: () => 'inner' })
  const outer = FastMCP.asProxy(
    { mcpServers: { inner: { url: await serve(inner) }, again: { url: one } } },
    { name: 'outer' },
  ).addTool({ name: 'own', execute: () => 'outer' })
  const client = await connected(await serve(outer), { era })
  expect((await client.listTools()).map(({ name }) => name).sort()).toEqual(
    ['own', 'again_who', 'inner_own', 'inner_one_who', 'inner_two_who'].sort(),
  )
  for (const [name, data] of [
    ['own', 'outer'],
    ['inner_own', 'inner'],
    ['inner_one_who', 'one'],
    ['inner_two_who', 'two'],
    ['again_who', 'one'],
  ] as const)
    expect((await client.callTool(name)).data).toBe(data)
  expect((await client.readResource('note://inner/two/who')).contents).toMatchObject([{ text: 'two' }])
  expect(
    outer
      .status()
      .upstreams.map(({ name }) => name)
      .sort(),
  ).toEqual(['again', 'inner'])
})
