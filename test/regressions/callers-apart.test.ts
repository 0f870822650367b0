/** Many callers at once over one proxy: what belongs to one never reaches another, however late it comes. */
import type { Client } from 'fastmesh'
import { FastMCP, type EraName, type LogMessage } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'

const NAME = { name: 'test', version: '1.0.0' }
const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const PAIRS = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))
const CALLERS = 12

/** A server whose tool asks, samples, logs and reports, always naming who it is for. */
function asking(): FastMCP<unknown, object> {
  return new FastMCP(NAME).addTool({
    name: 'asks',
    parameters: z.object({ who: z.string() }),
    execute: async ({ who }, { elicit, sample, listRoots, log, reportProgress, client }) => {
      log.info(`for ${who}`)
      await reportProgress({ progress: 1, message: `for ${who}` })
      const answer = await elicit({ message: `Who is ${who}?`, schema: z.object({ name: z.string() }) })
      const said = await sample({ messages: `Say ${who}` })
      const [root] = await listRoots()
      return JSON.stringify([who, client.name, answer.content?.name, said.text, root?.uri])
    },
  })
}

/** Lets everybody go on once so many have come. */
function gathering(count: number): () => Promise<void> {
  const waiting: (() => void)[] = []
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (waiting.length >= count) for (const go of waiting.splice(0).reverse()) go()
    })
}

describe.each(PAIRS)('for clients of $front before a server of $behind', ({ front, behind }) => {
  test('each is asked and told what is for it', async () => {
    const proxy = FastMCP.asProxy(await serve(asking()), { era: behind })
    const url = await serve(new FastMCP(NAME).mount('m', proxy))
    const gather = gathering(CALLERS)
    const callers = await Promise.all(
      Array.from({ length: CALLERS }, async (_none, index) => {
        const me = `caller${index}`
        const heard: string[] = []
        const client = await connected(url, {
          name: me,
          era: front,
          elicitation: async ({ message }: { message: string }) => {
            heard.push(message)
            await gather()
            return { action: 'accept', content: { name: me } }
          },
          sampling: ({ messages }: { messages: unknown }) => {
            heard.push(JSON.stringify(messages))
            return `by ${me}`
          },
          roots: [`file:///${me}`],
          onLog: ({ data }: LogMessage) => heard.push(JSON.stringify(data)),
        })
        return { me, heard, client }
      }),
    )
    const answers = await Promise.all(
      callers.map(async ({ me, heard, client }) => {
        const onProgress = ({ message }: { message?: string | undefined }) => void heard.push(String(message))
        return (await client.callTool('m_asks', { who: me }, { onProgress })).data
      }),
    )
    expect(answers).toEqual(
      callers.map(({ me }) => JSON.stringify([me, me, me, `by ${me}`, `file:///${me}`])),
    )
    for (const { me, heard } of callers) {
      expect(heard.length).toBeGreaterThanOrEqual(4)
      expect(heard.filter((what) => !new RegExp(`${me}\\b`).test(what))).toEqual([])
    }
  }, 30_000)

  test('after its first call, each call of a client is one request to the server', async () => {
    const server = new FastMCP(NAME).addTool({ name: 'it', execute: () => 'it' })
    let requests = 0
    const counting = (target: string | URL, init?: RequestInit): Promise<Response> => {
      requests += 1
      return fetch(target, init)
    }
    // Otherwise each anonymous call without a session has one of its own there.
    const options = { era: behind, fetch: counting, anonymous: 'share' as const }
    const proxy = FastMCP.asProxy(await serve(server), options)
    const client = await connected(await serve(proxy), { era: front })
    await client.callTool('it')
    // The stream for what answers no request is opened on the side.
    await expect.poll(() => server.status().requests + server.sessions.length).toBeGreaterThan(0)
    const before = requests
    for (let call = 1; call <= 5; call++) {
      await client.callTool('it')
      expect(requests - before).toBe(call)
    }
  })

  test('a client that goes in the middle ends only its own calls', async () => {
    const ended: string[] = []
    const server = new FastMCP(NAME).addTool({
      name: 'wait',
      parameters: z.object({ who: z.string() }),
      execute: async ({ who }, { signal, reportProgress }) => {
        await reportProgress({ progress: 1 })
        if (who === 'stays') return 'stayed'
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        ended.push(who)
      },
    })
    const proxy = FastMCP.asProxy(await serve(server), { era: behind })
    const url = await serve(proxy)
    const [goes, stays] = await Promise.all([connected(url, { era: front }), connected(url, { era: front })])
    const controller = new AbortController()
    const going = goes.callTool(
      'wait',
      { who: 'goes' },
      {
        signal: controller.signal,
        onProgress: () => {
          controller.abort(new Error('gone'))
        },
      },
    )
    await expect(going).rejects.toThrow('gone')
    expect((await stays.callTool('wait', { who: 'stays' })).data).toBe('stayed')
    await expect.poll(() => ended).toEqual(['goes'])
    await expect.poll(() => proxy.status().upstreams[0]?.pending).toBe(0)
  })
})

test('who gets headers of their own gets lists of their own, and nothing is passed on unless told', async () => {
  const upstream = await ScriptedUpstream.start()
  upstream.script = ({ method, headers }) =>
    method === 'tools/list'
      ? { tools: [{ name: `for-${String(headers['x-tenant'])}`, inputSchema: { type: 'object' } }] }
      : undefined
  const proxy = FastMCP.asProxy(upstream.url, {
    headers: ({ headers }) => ({ 'x-tenant': headers?.['x-who'] ?? 'nobody' }),
  })
  const url = await serve(proxy)
  const clients = await Promise.all(
    ['ann', 'bob'].map((who) => connected(url, { headers: { 'x-who': who, authorization: 'Bearer front' } })),
  )
  for (const round of ['first', 'second']) {
    const lists = await Promise.all(clients.map((client) => client.listTools()))
    expect(
      lists.map(([tool]) => tool?.name),
      round,
    ).toEqual(['for-ann', 'for-bob'])
  }
  expect((await clients[0]!.callTool('for-ann')).data).toBe('it')
  // The server answers for what it does not list to a caller, whose headers it gets.
  await clients[0]!.callTool('for-bob')
  expect(upstream.asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  const called = upstream.asked.filter(({ method }) => method === 'tools/call')
  expect(called.map(({ headers }) => headers['x-tenant'])).toEqual(['ann', 'ann'])
})

describe('several replicas', () => {
  const replicas = async (count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_none, index) => {
        const upstream = await ScriptedUpstream.start()
        upstream.script = ({ method }) =>
          method === 'tools/call' ? { content: [{ type: 'text', text: String(index) }] } : undefined
        return upstream
      }),
    )

  test.each(ERAS)('of %s take turns, and a dead one is left out', async (front) => {
    const upstreams = await replicas(2)
    const proxy = FastMCP.asProxy(
      { replicas: upstreams.map(({ url }) => url), policy: 'roundRobin' },
      { name: 'r' },
    )
    const url = await serve(proxy)
    const clients = await Promise.all(Array.from({ length: 4 }, () => connected(url, { era: front })))
    const ask = async (client: Client) => (await client.callTool('it')).data
    const answers = await Promise.all(clients.map(ask))
    expect(new Set(answers)).toEqual(new Set(['0', '1']))
    // Sessions stay where they are.
    if (front === '2025-11-25') expect(await Promise.all(clients.map(ask))).toEqual(answers)
    await upstreams[0]!.stop()
    const after = await Promise.all(clients.map(ask))
    expect(after).toEqual(['1', '1', '1', '1'])
    expect(proxy.status().upstreams.map(({ name }) => name)).toEqual(['r#1', 'r#2'])
    await expect.poll(() => proxy.status().upstreams[0]?.state).toBe('unavailable')
    expect(await clients[0]!.listTools()).toHaveLength(1)
  })
})
