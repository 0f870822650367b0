/** Sources of resources that fail, hang, or are others for others: each by itself. */
import { FastMCP, type Provider } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'
import { keyed, secured } from '../support/secured.js'

const NAME = { name: 'test', version: '1.0.0' }
const URI = 'note://watched'
type Watch = () => void | (() => void | Promise<void>) | Promise<void | (() => void)>

/** A server where everybody has a source of his own under one URI, which begins as it is told to. */
async function eachTheirOwn(starts: Readonly<Record<string, Watch>>) {
  const { server, lines } = secured()
  const changed = new Map<string, () => void>()
  const listeners = new Set<(change: { type: 'listChanged'; kind: 'resource' }) => void>()
  const sources = new Map(Object.keys(starts).map((who) => [who, { who }]))
  const of = (caller: { auth?: unknown } | undefined) => {
    const who = (caller?.auth as { id?: string } | undefined)?.id ?? ''
    const source = sources.get(who)
    if (source === undefined) return undefined
    return {
      kind: 'resource',
      definition: { uri: URI, name: who },
      invoke: async () => ({ contents: [] }),
      watch: {
        source,
        start: async (tell: () => void) => {
          const stop = await starts[who]?.()
          changed.set(who, tell)
          return stop
        },
      },
    }
  }
  const provider = {
    list: () => [],
    find: (kind: string, key: string, caller: undefined) =>
      kind === 'resource' && key === URI ? of(caller) : undefined,
    subscribe: (listener: never) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as Provider
  const url = await serve(server.addProvider(provider))
  const heard: string[] = []
  const subscribed = async (who: string) => {
    const client = await connected(url, { ...keyed(who), era: '2025-11-25' })
    await client.subscribe(URI, () => heard.push(who))
    return client
  }
  /** Another source for somebody from now on. */
  const renew = (who: string) => {
    sources.set(who, { who })
    for (const listener of listeners) listener({ type: 'listChanged', kind: 'resource' })
  }
  return { subscribed, changed, heard, lines, renew }
}

test('one that hangs holds up no other', async () => {
  const { subscribed, changed, heard } = await eachTheirOwn({
    ann: () => new Promise<void>(() => undefined),
    bob: () => undefined,
  })
  await Promise.all([subscribed('ann'), subscribed('bob')])
  await expect.poll(() => changed.has('bob')).toBe(true)
  changed.get('bob')?.()
  await expect.poll(() => heard).toContain('bob')
})

test('one that cannot be let go is left behind, and the next is watched', async () => {
  let stops = 0
  const { subscribed, changed, lines, renew } = await eachTheirOwn({
    ann: () => () => {
      stops += 1
      throw new Error('it cannot be let go')
    },
  })
  await subscribed('ann')
  await expect.poll(() => changed.has('ann')).toBe(true)
  changed.delete('ann')
  renew('ann')
  await expect.poll(() => changed.has('ann')).toBe(true)
  expect(stops).toBe(1)
  expect(lines.join()).toContain('it cannot be let go')
})

test('one that fails is tried again by itself', async () => {
  let starts = 0
  const server = new FastMCP({ ...NAME, logger: recordingLogger().logger })
  let tell: (() => void) | undefined
  server.addResource({
    uri: URI,
    name: 'watched',
    load: () => '',
    watch: (changed) => {
      starts += 1
      if (starts === 1) throw new Error('not yet')
      tell = changed
    },
  })
  const heard: string[] = []
  const client = await connected(server)
  await client.subscribe(URI, () => heard.push('changed'))
  await expect.poll(() => tell, { timeout: 5000 }).toBeDefined()
  tell?.()
  await expect.poll(() => heard).toEqual(['changed'])
  expect(starts).toBe(2)
})

test('one far away is watched when it is there again', async () => {
  const upstream = await ScriptedUpstream.start()
  const { port } = upstream
  const make = () =>
    new FastMCP({ ...NAME, logger: recordingLogger().logger }).addResource({
      uri: URI,
      name: 'w',
      load: () => '',
    })
  await upstream.stop()
  const proxy = FastMCP.asProxy(`http://127.0.0.1:${port}/mcp`, {
    name: 'far',
    logger: recordingLogger().logger,
  })
  const heard: string[] = []
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  await client.subscribe(URI, () => heard.push('changed'))
  const far = make()
  await far.start({ httpStream: { port, host: '127.0.0.1' } })
  await expect.poll(() => proxy.status().upstreams[0]?.state, { timeout: 10_000 }).toBe('connected')
  await expect
    .poll(
      () => {
        far.notifyResourceUpdated(URI)
        return heard.length
      },
      { timeout: 15_000, interval: 250 },
    )
    .toBeGreaterThan(0)
  await far.stop()
}, 40_000)
