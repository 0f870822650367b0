/** `maxSockets`: how many calls hold a socket, suspended ones included. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { serve } from '../support/clients.js'
import { ERA_PAIRS, hostileUpstream, withLength } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'

function asking(): FastMCP {
  return new FastMCP({ name: 'upstream', version: '1.0.0' })
    .addTool({
      name: 'asks',
      execute: async (_args, { elicit }) =>
        (await elicit({ message: 'Go on?', schema: z.object({}) })).action,
    })
    .addTool({ name: 'quick', execute: () => 'quick' })
}

describe.each(ERA_PAIRS.filter(({ behind }) => behind === '2025-11-25'))(
  'maxSockets suspended calls, $front → $behind',
  ({ front, behind }) => {
    const start = async (answer: () => Promise<void>, options: object) => {
      const upstream = await serve(asking())
      const proxy = FastMCP.asProxy(upstream, { name: 'proxy', era: behind, maxSockets: 3, ...options })
      let asked = 0
      const client = await connected(await serve(proxy), {
        era: front,
        elicitation: async () => {
          asked += 1
          await answer()
          return { action: 'accept' }
        },
      })
      const suspended = Array.from({ length: 3 }, () => client.callTool('asks', {}, { throwOnError: false }))
      await expect.poll(() => asked).toBe(3)
      return { client, proxy, suspended }
    }

    test('› further calls wait, and fail as busy; the answers go out, and all calls end', async () => {
      let answer: () => void = () => undefined
      const answered = new Promise<void>((resolve) => (answer = resolve))
      const { client, proxy, suspended } = await start(() => answered, { maxQueue: 1 })
      const waiting = client.callTool('quick')
      await expect.poll(() => proxy.status().upstreams[0]?.pending).toBe(1)
      const busy = await client.callTool('quick', {}, { throwOnError: false })
      expect(String(busy.data)).toContain('busy')
      answer()
      expect((await Promise.all(suspended)).map(({ data }) => data)).toEqual(['accept', 'accept', 'accept'])
      expect((await waiting).data).toBe('quick')
      expect(proxy.status().upstreams[0]?.pending).toBe(0)
    })

    test('› a call that is suspended past its deadline frees its socket', async () => {
      let answer: () => void = () => undefined
      const answered = new Promise<void>((resolve) => (answer = resolve))
      const { client, suspended } = await start(() => answered, { timeoutMs: 700 })
      expect((await client.callTool('quick')).data).toBe('quick')
      answer()
      for (const { isError } of await Promise.all(suspended)) expect(isError).toBe(true)
    })
  },
)

test('a client with maxSockets › never has more calls open than that', async () => {
  let open = 0
  let most = 0
  const upstream = await hostileUpstream('2025-11-25', ({ response }, { socket }) => {
    open += 1
    most = Math.max(most, open)
    setImmediate(() => {
      open -= 1
      socket.write(withLength(response))
    })
    return []
  })
  const client = await connected({ url: upstream.url, maxSockets: 2 }, { era: '2025-11-25', maxSockets: 7 })
  const calls = Array.from({ length: 30 }, (_, at) => client.callTool('echo', { tag: String(at) }))
  expect((await Promise.all(calls)).map(({ data }) => data)).toEqual(calls.map((_, at) => String(at)))
  expect(most).toBe(2)
})
