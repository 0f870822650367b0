/** Callers from 2026-07-28 on before a server that keeps sessions: nobody reads the state of another. */
import { FastMCP, inMemoryTransports, type Client } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'

const ERA = { era: '2026-07-28' } as const

/** A server with a note in each session; `swap` returns the note, and takes another. */
function remembering(): FastMCP {
  return new FastMCP({ name: 'remembering', version: '1.0.0' }).addTool({
    name: 'swap',
    parameters: z.object({ note: z.string() }),
    execute: ({ note }, { state }) => {
      const before = state.get('note')
      state.set('note', note)
      return String(before)
    },
  })
}

async function swapped(client: Client, note: string): Promise<unknown> {
  return (await client.callTool('swap', { note })).data
}

const WIRES: readonly [string, () => Promise<string | FastMCP>][] = [
  ['HTTP', () => serve(remembering())],
  ['HTTP+SSE', async () => (await serve(remembering())).replace(/mcp$/, 'sse')],
  [
    'memory',
    () => {
      const server = remembering()
      onCleanup(() => server.stop())
      return Promise.resolve(server)
    },
  ],
]

describe.each(WIRES)('before a server of 2025-11-25 over %s', (_name, target) => {
  const behind = { era: '2025-11-25' } as const

  test('anonymous callers › find a session without state for each call', async () => {
    const url = await serve(FastMCP.asProxy(await target(), behind))
    const [alice, bob] = await Promise.all([connected(url, ERA), connected(url, ERA)])
    for (let call = 0; call < 6; call++) {
      expect(await swapped(alice, `of alice ${call}`)).toBe('undefined')
      expect(await swapped(bob, `of bob ${call}`)).toBe('undefined')
    }
    const many = Array.from({ length: 20 }, (_, call) => swapped(call % 2 ? alice : bob, `${call}`))
    expect(new Set(await Promise.all(many))).toEqual(new Set(['undefined']))
  })

  test("anonymous callers with `anonymous: 'share'` › use one session after the other", async () => {
    const url = await serve(FastMCP.asProxy(await target(), { ...behind, anonymous: 'share' }))
    const [alice, bob] = await Promise.all([connected(url, ERA), connected(url, ERA)])
    expect(await swapped(alice, 'of alice')).toBe('undefined')
    expect(await swapped(bob, 'of bob')).toBe('of alice')
  })

  test('authenticated callers › find their own state, and nobody else', async () => {
    const authenticate = ({ headers }: { headers: Record<string, string | undefined> }) => ({
      id: headers['x-api-key'],
    })
    const proxy = FastMCP.asProxy(await target(), { ...behind, authenticate })
    const url = await serve(proxy)
    const client = (key: string) => connected({ url, headers: { 'x-api-key': key } }, ERA)
    const [alice, bob] = await Promise.all([client('alice'), client('bob')])
    expect(await swapped(alice, 'of alice')).toBe('undefined')
    expect(await swapped(bob, 'of bob')).toBe('undefined')
    expect(await swapped(alice, 'again')).toBe('of alice')
  })

  test('the client of a front in memory › is one caller, and finds its state', async () => {
    const [clientSide, serverSide] = inMemoryTransports()
    const proxy = FastMCP.asProxy(await target(), behind)
    await proxy.connect(serverSide)
    onCleanup(() => proxy.stop())
    const client = await connected(clientSide, ERA)
    expect(await swapped(client, 'mine')).toBe('undefined')
    expect(await swapped(client, 'again')).toBe('mine')
  })

  test('callers of a proxy before a proxy in memory › are not taken for one', async () => {
    const inner = FastMCP.asProxy(await target(), behind)
    onCleanup(() => inner.stop())
    const url = await serve(FastMCP.asProxy(inner))
    const [alice, bob] = await Promise.all([connected(url, ERA), connected(url, ERA)])
    expect(await swapped(alice, 'of alice')).toBe('undefined')
    expect(await swapped(bob, 'of bob')).toBe('undefined')
  })
})

test('calls of anonymous callers › leave no more than a few sessions', async () => {
  const server = remembering()
  const proxy = FastMCP.asProxy(await serve(server), { era: '2025-11-25' })
  const client = await connected(await serve(proxy), ERA)
  for (let call = 0; call < 30; call++) await swapped(client, 'x')
  // The control connection, and those that are initialized ahead.
  await expect.poll(() => server.sessions.length, { timeout: 5000 }).toBeLessThanOrEqual(5)
  expect(proxy.status().upstreams[0]?.connections).toBeLessThanOrEqual(6)
})

test('an anonymous call that is cancelled › ends its session', async () => {
  const ended: unknown[] = []
  const server = new FastMCP({ name: 'slow', version: '1.0.0' }).addTool({
    name: 'wait',
    execute: async (_args, { signal, reportProgress }) => {
      await reportProgress({ progress: 1 })
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended.push(signal.reason)
    },
  })
  const client = await connected(
    await serve(FastMCP.asProxy(await serve(server), { era: '2025-11-25' })),
    ERA,
  )
  const controller = new AbortController()
  const onProgress = (): void => {
    controller.abort(new Error('not wanted'))
  }
  await expect(client.callTool('wait', {}, { signal: controller.signal, onProgress })).rejects.toThrow(
    'not wanted',
  )
  await expect.poll(() => ended, { timeout: 5000 }).toHaveLength(1)
})

test('a server of 2025-11-25 without sessions › is used over one connection', async () => {
  const upstream = await ScriptedUpstream.start(({ method }) =>
    method === 'initialize'
      ? {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'stateless', version: '1' },
        }
      : undefined,
  )
  const url = await serve(FastMCP.asProxy(upstream.url, { era: '2025-11-25' }))
  const [alice, bob] = await Promise.all([connected(url, ERA), connected(url, ERA)])
  await Promise.all([alice, bob, alice, bob].map((client) => client.callTool('it')))
  expect(upstream.count('tools/call')).toBe(4)
  expect(upstream.count('initialize')).toBe(1)
})

test("an `anonymous` that is neither 'separate' nor 'share' › is refused", () => {
  expect(() => FastMCP.asProxy('http://127.0.0.1:1/mcp', { anonymous: 'fresh' as never })).toThrow(
    "anonymous must be 'separate' or 'share', not 'fresh'",
  )
})
