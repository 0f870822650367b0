/** Lists, subscriptions and log levels that a server keeps for a session are those of the session in front. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SetLevelRequestSchema, SubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { serveSessions } from '../support/session-server.js'

const SESSION = { era: '2025-11-25' } as const

/** A server whose tool `enable` adds another to its session, and which keeps subscriptions and the log level of each. */
function stateful(): McpServer {
  const mcp = new McpServer(
    { name: 'stateful', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true }, tools: { listChanged: true } } },
  )
  let level = 'none'
  const subscribed = new Set<string>()
  mcp.server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    ;({ level } = params)
    return {}
  })
  mcp.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  mcp.registerResource('it', 'data://it', {}, () => ({ contents: [] }))
  mcp.registerTool('enable', {}, () => {
    mcp.registerTool('enabled', {}, () => ({ content: [{ type: 'text', text: 'of this session' }] }))
    return { content: [] }
  })
  mcp.registerTool('state', {}, () => ({
    content: [{ type: 'text', text: `${level} ${[...subscribed].join()}` }],
  }))
  mcp.registerTool('touch', {}, async () => {
    for (const uri of subscribed) await mcp.server.sendResourceUpdated({ uri })
    await mcp.server.sendLoggingMessage({ level: 'debug', data: 'touched' })
    return { content: [] }
  })
  return mcp
}

/** Two sessions of one proxy before one server. */
async function twoSessions(onLog?: (data: unknown) => void) {
  const url = await serve(FastMCP.asProxy(await serveSessions(stateful)))
  const one = await connected(url, {
    ...SESSION,
    ...(onLog && { onLog: ({ data }: { data: unknown }) => onLog(data) }),
  })
  return { one, other: await connected(url, SESSION) }
}

const names = async (client: { listTools: () => Promise<{ name: string }[]> }): Promise<string[]> =>
  (await client.listTools()).map(({ name }) => name)

test('a tool that a call adds to its session › is listed and called there, and in no other', async () => {
  const { one, other } = await twoSessions()
  expect(await names(one)).not.toContain('enabled')
  await one.callTool('enable')
  await expect.poll(() => names(one)).toContain('enabled')
  expect((await one.callTool('enabled')).data).toBe('of this session')
  expect(await names(other)).not.toContain('enabled')
})

test('lists of a session › are its own also after another session has listed', async () => {
  const { one, other } = await twoSessions()
  await one.callTool('enable')
  await expect.poll(() => names(one)).toContain('enabled')
  for (let round = 0; round < 3; round++) {
    expect(await names(other)).not.toContain('enabled')
    expect(await names(one)).toContain('enabled')
  }
})

test('a change of one session › is told to no other', async () => {
  const url = await serve(FastMCP.asProxy(await serveSessions(stateful)))
  const [ofOne, ofOther]: [string[], string[]] = [[], []]
  const one = await connected(url, { ...SESSION, onListChanged: (list: string) => ofOne.push(list) })
  const other = await connected(url, { ...SESSION, onListChanged: (list: string) => ofOther.push(list) })
  await other.callTool('state')
  const updates: string[] = []
  await one.subscribe('data://it', (uri) => updates.push(`one ${uri}`))
  await other.subscribe('data://it', (uri) => updates.push(`other ${uri}`))
  await one.callTool('enable')
  await expect.poll(() => ofOne).toEqual(['tools'])
  await one.callTool('touch')
  await expect.poll(() => updates).toEqual(['one data://it'])
  // Both have answered since, so that what was on its way has arrived.
  await other.callTool('state')
  expect([ofOther, updates]).toEqual([[], ['one data://it']])
})

test('an update › is told to the session that has subscribed, also once its lists are its own', async () => {
  const { one, other } = await twoSessions()
  const updates: string[] = []
  await other.subscribe('data://it', (uri) => updates.push(`other ${uri}`))
  await one.callTool('enable')
  await expect.poll(() => names(one)).toContain('enabled')
  await one.subscribe('data://it', (uri) => updates.push(`one ${uri}`))
  await one.callTool('touch')
  await expect.poll(() => updates).toEqual(['one data://it'])
  await other.callTool('state')
  expect(updates).toEqual(['one data://it'])
})

test('a session of two replicas › stays where it is, its lists and subscriptions as well', async () => {
  const replicas = [await serveSessions(stateful), await serveSessions(stateful)]
  const url = await serve(FastMCP.asProxy({ replicas, policy: 'roundRobin' }))
  for (let session = 0; session < 3; session++) {
    const client = await connected(url, SESSION)
    await client.callTool('enable')
    await expect.poll(() => names(client)).toContain('enabled')
    await client.subscribe('data://it', () => undefined)
    for (let call = 0; call < 3; call++) expect((await client.callTool('state')).data).toContain('data://it')
    expect((await client.callTool('enabled')).data).toBe('of this session')
  }
})

test('a session with a subscription that ends › leaves no error behind', async () => {
  const { logger, lines } = recordingLogger()
  const url = await serve(FastMCP.asProxy(await serveSessions(stateful), { logger }))
  const client = await connected(url, SESSION)
  await client.subscribe('data://it', () => undefined)
  await client.close()
  const next = await connected(url, SESSION)
  await next.callTool('state')
  expect(lines).toEqual([])
})

const featured = new URL('../servers/featured.ts', import.meta.url).pathname

test('a change for everybody › is told once to each session, and its list fetched once by all of them', async () => {
  let fetched = 0
  const server = new FastMCP({ name: 'behind', version: '1.0.0' }).addTool({
    name: 'it',
    execute: () => 'it',
  })
  const counting = (target: string | URL, init?: RequestInit): Promise<Response> => {
    if (typeof init?.body === 'string' && init.body.includes('"tools/list"')) fetched += 1
    return fetch(target, init)
  }
  const proxy = FastMCP.asProxy(await serve(server), { era: '2025-11-25', fetch: counting })
  const url = await serve(proxy)
  const told = Array.from({ length: 12 }, () => 0)
  const clients = await Promise.all(
    told.map((_none, at) =>
      connected(url, { ...SESSION, onListChanged: () => void (told[at] ?? 0, (told[at]! += 1)) }),
    ),
  )
  for (const client of clients) expect((await client.callTool('it')).data).toBe('it')
  const before = fetched
  server.addTool({ name: 'more', execute: () => 'more' })
  await expect.poll(() => told.every((count) => count > 0), { timeout: 5000 }).toBe(true)
  for (const client of clients) await expect.poll(() => names(client)).toContain('more')
  // Sessions that are notified before the shared connection may have fetched their own.
  expect(fetched - before).toBeLessThanOrEqual(3)
  for (const client of clients) expect((await client.callTool('more')).data).toBe('more')
  expect(fetched - before).toBeLessThanOrEqual(3)
  expect(Math.max(...told)).toBeLessThanOrEqual(2)
})

test('changes in the process of one session › are told to no other', async () => {
  const url = await serve(FastMCP.asProxy({ command: process.execPath, args: ['--import', 'tsx', featured] }))
  const told: string[] = []
  const listening = (who: string) =>
    connected(url, { ...SESSION, onListChanged: (list: string) => told.push(`${who} ${list}`) })
  const [one, other] = await Promise.all([listening('one'), listening('other')])
  await one.subscribe('data://touched', (uri) => told.push(`one ${uri}`))
  await other.subscribe('data://touched', (uri) => told.push(`other ${uri}`))
  await one.callTool('toggle')
  await one.callTool('touch')
  await expect.poll(() => [...told].sort(), { timeout: 5000 }).toEqual(['one data://touched', 'one tools'])
  await other.callTool('cancelled')
  expect([...told].sort()).toEqual(['one data://touched', 'one tools'])
}, 30_000)

test('a subscription › is made in the session of its client, which gets its updates', async () => {
  const { one, other } = await twoSessions()
  const updated: string[] = []
  await one.subscribe('data://it', (uri) => updated.push(uri))
  expect((await one.callTool('state')).data).toContain('data://it')
  expect((await other.callTool('state')).data).not.toContain('data://it')
  await other.callTool('touch')
  await one.callTool('touch')
  await expect.poll(() => updated).toEqual(['data://it'])
})

test('a log level › is set in the session of its client; without one, all that the server sends is passed on', async () => {
  const logged: unknown[] = []
  const { one, other } = await twoSessions((data) => logged.push(data))
  expect((await one.callTool('state')).data).toContain('none')
  await one.callTool('touch')
  await expect.poll(() => logged).toEqual(['touched'])
  await one.setLoggingLevel('error')
  await expect.poll(async () => (await one.callTool('state')).data).toContain('error')
  expect((await other.callTool('state')).data).toContain('none')
})

test('a log level that was set before the first call › is set when the connection is opened', async () => {
  const { one } = await twoSessions()
  await one.setLoggingLevel('warning')
  expect((await one.callTool('state')).data).toContain('warning')
})
