/** What a server says of how it is to be used, from wherever it is said. */
import { ChangeHub, FastMCP, type Provider } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const

const server = (name: string, instructions?: string) =>
  new FastMCP({ name, version: '1.0.0', instructions }).addTool({ name, execute: () => name })

/** What a client of an era is told. */
async function told(target: FastMCP<unknown, object, object>, era: (typeof ERAS)[number]) {
  return (await connected(target, { era })).instructions
}

test.each(ERAS)('those of its own count, be they nothing, for %s', async (era) => {
  const url = await serve(server('far', 'Said far away'))
  expect(await told(server('own', 'Said here'), era)).toBe('Said here')
  expect(await told(server('own'), era)).toBeUndefined()
  expect(await told(FastMCP.asProxy(url), era)).toBe('Said far away')
  expect(await told(FastMCP.asProxy(url, { instructions: 'Said here' }), era)).toBe('Said here')
  expect(await told(FastMCP.asProxy(url, { instructions: '' }), era)).toBe('')
  // Names are others there, so that what is said of them would be wrong.
  expect(await told(server('main').mount('far', FastMCP.asProxy(url)), era)).toBeUndefined()
})

test.each(ERAS)('each gets those that are for it, for %s', async (era) => {
  const behind = new FastMCP({
    name: 'behind',
    version: '1.0.0',
    authenticate: ({ headers }) => ({ principal: headers['x-user'] ?? 'nobody' }),
    instructions: 'For all',
  })
  const seen: unknown[] = []
  const proxy = FastMCP.asProxy(await serve(behind), {
    headers: ({ headers }) => {
      seen.push(headers?.['x-user'])
      return { 'x-user': headers?.['x-user'] ?? '' }
    },
  })
  const client = await connected(await serve(proxy), { era, headers: { 'x-user': 'ann' } })
  expect(client.instructions).toBe('For all')
  expect(seen).toContain('ann')
})

test.each(ERAS)(
  'a server that is not there keeps nobody waiting, for %s',
  async (era) => {
    const upstream = await ScriptedUpstream.start()
    const { port, url } = upstream
    await upstream.stop()
    const proxy = FastMCP.asProxy(url, { logger: recordingLogger().logger })
    const address = await serve(proxy)
    await expect.poll(() => proxy.status().upstreams[0]?.state).toBe('unavailable')
    expect((await connected(address, { era })).instructions).toBeUndefined()
    await ScriptedUpstream.start(({ method }) => (method === 'initialize' ? introduced : undefined), port)
    await expect.poll(() => proxy.status().upstreams[0]?.state, { timeout: 8000 }).toBe('connected')
    expect((await connected(address, { era })).instructions).toBe('Back again')
  },
  20_000,
)

const introduced = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'scripted', version: '1.0.0' },
  instructions: 'Back again',
}

test.each(ERAS)(
  'nor does one that never answers, for long, for %s',
  async (era) => {
    const upstream = await ScriptedUpstream.start(() => new Promise(() => {}))
    const { logger } = recordingLogger()
    const main = FastMCP.asProxy(upstream.url, { logger }).addTool({ name: 'own', execute: () => 'here' })
    const client = await connected(main, { era })
    expect(client.instructions).toBeUndefined()
    expect((await client.callTool('own')).data).toBe('here')
  },
  15_000,
)

test.each(ERAS)('of several sources all are told, in their order, for %s', async (era) => {
  const source = (instructions: Provider['instructions']): Provider => ({
    list: () => [],
    find: () => undefined,
    subscribe: (listener) => new ChangeHub().subscribe(listener),
    ...(instructions !== undefined && { instructions }),
  })
  const main = server('main')
    .addProvider(source(() => 'First'))
    .addProvider(source(undefined))
    .addProvider(source(() => Promise.resolve('Second')))
    .addProvider(
      source(() => 'Of another name'),
      { prefix: 'other' },
    )
  expect(await told(main, era)).toBe('First\n\nSecond')
})

test.each(ERAS)(
  'a source that fails to say any takes nothing from others, for %s',
  async (era) => {
    const { logger, lines } = recordingLogger()
    const source = (instructions: Provider['instructions']): Provider => ({
      list: () => [],
      find: () => undefined,
      subscribe: (listener) => new ChangeHub().subscribe(listener),
      ...(instructions !== undefined && { instructions }),
    })
    const main = new FastMCP({ name: 'main', version: '1.0.0', logger })
      .addProvider(
        source(() => {
          throw new Error('at once')
        }),
      )
      .addProvider(source(() => Promise.reject(new Error('later'))))
      .addProvider(source(() => new Promise(() => {})))
      .addProvider(source(() => 'This one does'))
    expect(await told(main, era)).toBe('This one does')
    expect(lines.filter((line) => line.includes('Instructions'))).toHaveLength(2)
  },
  15_000,
)

const initialize = (url: string, protocolVersion: unknown = '2025-11-25', signal?: AbortSignal) =>
  fetch(url, {
    method: 'POST',
    ...(signal && { signal }),
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    }),
  })

test('who waits for them has a session already, of which there are only so many', async () => {
  const upstream = await ScriptedUpstream.start(() => new Promise(() => {}))
  const { logger } = recordingLogger()
  const url = await serve(FastMCP.asProxy(upstream.url, { logger, session: { max: 2 } }))
  const answers = await Promise.all(Array.from({ length: 6 }, () => initialize(url)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503, 503])
}, 15_000)

test('nobody keeps a place who is refused, or goes before he is answered', async () => {
  const upstream = await ScriptedUpstream.start(() => new Promise(() => {}))
  const { logger } = recordingLogger()
  const url = await serve(FastMCP.asProxy(upstream.url, { logger, session: { max: 1 } }))
  for (let client = 0; client < 3; client++)
    expect(await (await initialize(url, 7)).json()).toMatchObject({ error: { code: -32602 } })
  const controller = new AbortController()
  const gone = initialize(url, '2025-11-25', controller.signal)
  await expect.poll(async () => (await initialize(url, 7)).status).toBe(503)
  controller.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  await expect.poll(async () => (await initialize(url, 7)).status).toBe(200)
  expect((await initialize(url)).status).toBe(200)
}, 15_000)

test('no process is begun for who has no session, however often he comes', async () => {
  const file = new URL('../servers/featured.ts', import.meta.url).pathname
  const proxy = FastMCP.asProxy({ command: process.execPath, args: ['--import', 'tsx', file] })
  const url = await serve(proxy, { stateless: true })
  for (let client = 0; client < 4; client++)
    expect(await (await initialize(url)).json()).toMatchObject({ result: { instructions: 'Use it all' } })
  expect(proxy.status().upstreams[0]?.connections).toBe(1)
}, 30_000)
