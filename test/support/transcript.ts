/** All that a client can see of the featured server, written down, so that what it sees in other ways can be compared. */
import { Client, type Transport } from '@modelcontextprotocol/client'
import type { EraName } from 'fastmesh'
import { expect } from 'vitest'
import { answering, capabilitiesFor } from './answering.js'
import { onCleanup } from './clients.js'

type Params = Record<string, unknown>

/** What is made anew each time. */
const IDS = new Set(['elicitationId', '_meta'])

/** How names are called where the server is mounted. */
export interface Outside {
  readonly name: (inner: string) => string
  readonly uri: (inner: string) => string
}

export type Transcript = Record<string, unknown>

const INSIDE: Outside = { name: (inner) => inner, uri: (inner) => inner }

/** Connect the official client, and write everything down, except, without `isOneProcess`, what one call changes for others. */
export async function transcriptOver(
  transport: unknown,
  era: EraName,
  { outside = INSIDE, isOneProcess = true }: { outside?: Outside; isOneProcess?: boolean } = {},
): Promise<Transcript> {
  const asked: unknown[] = []
  const logged: unknown[] = []
  const changes: string[] = []
  const answers = {
    elicit: (params: Params) => {
      asked.push(without(params, IDS))
      const { message, mode } = params as { message: string; mode?: string }
      return mode === 'url'
        ? { action: 'accept' }
        : { action: 'accept', content: { name: message, x: message } }
    },
    sample: (params: Params) => {
      asked.push(params)
      return { role: 'assistant', model: 'm', stopReason: 'endTurn', content: { type: 'text', text: 'said' } }
    },
    roots: () => [{ uri: 'file:///here', name: 'here' }],
  }
  const client = new Client(
    { name: 'transcriber', version: '1.2.3' },
    {
      capabilities: capabilitiesFor(answers),
      versionNegotiation: { mode: era === '2025-11-25' ? 'legacy' : { pin: era } },
      listChanged: {
        tools: { onChanged: () => void changes.push('tools'), autoRefresh: false, debounceMs: 0 },
      },
    },
  )
  answering(client, answers)
  client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params))
  await client.connect(transport as Transport)
  onCleanup(() => client.close())
  if (era === '2025-11-25') await client.setLoggingLevel('debug')
  return {
    instructions: client.getInstructions(),
    lists: await lists(client),
    calls: await calls(client, outside),
    asking: [await asking(client, outside), asked],
    reading: await reading(client, outside),
    prompts: await prompts(client, outside),
    progress: await progress(client, outside),
    logs: [await logs(client, outside, era), logged],
    cancelling: await cancelling(client, outside),
    ...(isOneProcess && {
      changing: await changing(client, outside, changes),
      subscribing: await subscribing(client, outside, era),
    }),
    state: await state(client, outside),
  }
}

const callTool = (client: Client, name: string, args: object = {}, options?: object) =>
  settled(client.callTool({ name, arguments: { ...args } }, options))

/** Members that are the connection's own. */
const OWN = new Set(['ttlMs', 'cacheScope', 'resultType', 'io.modelcontextprotocol/serverInfo'])

/** What came of it: a result without what is the connection's own, or an error. */
async function settled(doing: Promise<object>): Promise<object> {
  try {
    const { _meta: meta = {}, ...result } = without((await doing) as Params, OWN)
    const kept = without(meta as Params, OWN)
    return Object.keys(kept).length === 0 ? result : { ...result, _meta: kept }
  } catch (error) {
    const { code, message, data } = error as { code?: unknown; message: string; data?: unknown }
    return { code, message, data }
  }
}

function without(object: Params, names: ReadonlySet<string>): Params {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name)))
}

async function lists(client: Client): Promise<object> {
  const tools = await settled(client.listTools())
  const resources = await settled(client.listResources())
  const templates = await settled(client.listResourceTemplates())
  return [tools, resources, templates, await settled(client.listPrompts())]
}

async function calls(client: Client, { name }: Outside): Promise<object[]> {
  const results: object[] = []
  for (const [tool, args] of [
    ['described', { a: 1 }],
    ['described', { a: 'no number' }],
    ['whole'],
    ['fails'],
    ['refuses'],
    ['crashes'],
    ['constructor'],
    ['typed', { n: 3 }],
    ['nothing'],
  ] as const)
    results.push({ tool, result: await callTool(client, name(tool), args) })
  return results
}

async function asking(client: Client, { name, uri }: Outside): Promise<object[]> {
  const results: object[] = []
  for (const tool of ['asks', 'asks-often', 'shows', 'samples', 'roots'])
    results.push({ tool, result: await callTool(client, name(tool)) })
  results.push(await settled(client.readResource({ uri: uri('data://asked') })))
  results.push(await settled(client.getPrompt({ name: name('asked') })))
  return results
}

async function reading(client: Client, { uri }: Outside): Promise<object[]> {
  const uris = [
    'data://text',
    'data://bytes',
    'urn:isbn:0',
    'data://gone',
    'data://nothing',
    'data://item/a%20b?size=3',
  ]
  const read = await Promise.all(uris.map((inner) => settled(client.readResource({ uri: uri(inner) }))))
  const ref = { type: 'ref/resource' as const, uri: uri('data://item/{id}{?size}') }
  return [...read, await settled(client.complete({ ref, argument: { name: 'id', value: 'v' } }))]
}

async function prompts(client: Client, { name }: Outside): Promise<object[]> {
  const ref = { type: 'ref/prompt' as const, name: name('greet') }
  return [
    await settled(client.getPrompt({ name: name('greet'), arguments: { who: 'Ann' } })),
    await settled(client.getPrompt({ name: name('greet') })),
    await settled(client.getPrompt({ name: name('nothing') })),
    await settled(client.complete({ ref, argument: { name: 'who', value: 'An' } })),
    await settled(
      client.complete({ ref, argument: { name: 'how', value: 'x' }, context: { arguments: { who: 'Bob' } } }),
    ),
  ]
}

function withMeta(era: EraName, meta: object): object {
  return era === '2025-11-25' ? {} : { _meta: { 'io.modelcontextprotocol/logLevel': 'debug', ...meta } }
}

async function progress(client: Client, { name }: Outside): Promise<object> {
  const reports: unknown[] = []
  const result = await callTool(
    client,
    name('progresses'),
    {},
    { onprogress: (report: object) => reports.push(report) },
  )
  return { result, reports }
}

async function logs(client: Client, { name }: Outside, era: EraName): Promise<object> {
  return settled(client.callTool({ name: name('logs'), arguments: {}, ...withMeta(era, {}) }))
}

/** A call that is called off ends there as well. */
async function cancelling(client: Client, { name }: Outside): Promise<object> {
  const before = await callTool(client, name('cancelled'))
  const controller = new AbortController()
  const result = await callTool(
    client,
    name('wait'),
    {},
    {
      signal: controller.signal,
      onprogress: () => {
        controller.abort(new Error('called off'))
      },
    },
  )
  const count = ({ content }: object & { content?: unknown }): number =>
    Number((content as [{ text: string }])[0].text)
  await expect.poll(async () => count(await callTool(client, name('cancelled')))).toBe(count(before) + 1)
  return { isError: 'code' in result }
}

async function changing(client: Client, { name }: Outside, changes: string[]): Promise<object> {
  const names = async (): Promise<string[]> => (await client.listTools()).tools.map((tool) => tool.name)
  const seen: unknown[] = [(await names()).includes(name('toggled'))]
  for (const isThere of [true, false]) {
    const before = changes.length
    await callTool(client, name('toggle'))
    await expect.poll(() => changes.length, { timeout: 5000 }).toBeGreaterThan(before)
    await expect.poll(async () => (await names()).includes(name('toggled')), { timeout: 5000 }).toBe(isThere)
    seen.push(isThere, await callTool(client, name('toggled')))
  }
  return seen
}

async function subscribing(client: Client, { name, uri }: Outside, era: EraName): Promise<object> {
  const updated: unknown[] = []
  const of = uri('data://touched')
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void updated.push(params.uri),
  )
  const stop = await subscribed(client, of, era)
  await callTool(client, name('touch'))
  await expect.poll(() => updated.length, { timeout: 5000 }).toBe(1)
  await stop()
  return updated.map((updatedUri) => updatedUri === of)
}

async function subscribed(client: Client, uri: string, era: EraName): Promise<() => Promise<unknown>> {
  if (era === '2025-11-25') {
    await client.subscribeResource({ uri })
    return () => client.unsubscribeResource({ uri })
  }
  const subscription = await client.listen({ resourceSubscriptions: [uri] })
  return () => subscription.close()
}

async function state(client: Client, { name }: Outside): Promise<object[]> {
  return [await callTool(client, name('count')), await callTool(client, name('count'))]
}
