/** A call that asks its client returns its slot, and takes one again when it goes on. */
import { FastMCP, type EraName } from 'fastmesh'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']

/** Something that happens once, and can be waited for. */
function once(): { happened: () => void; promise: Promise<void> } {
  let happened: () => void = () => undefined
  const promise = new Promise<void>((resolve) => (happened = resolve))
  return { happened, promise }
}

test.each(ERAS)(
  'with one slot, a call of a client of %s that was answered waits for the call that runs',
  async (era) => {
    const [asks, running, release, answered] = [once(), once(), once(), once()]
    const order: string[] = []
    const server = new FastMCP({ name: 'behind', version: '1.0.0' })
      .addTool({
        name: 'asks',
        execute: async (_args, { elicit }) => {
          await elicit({ message: 'Go on?', schema: z.object({}) })
          order.push('asks goes on')
          return 'answered'
        },
      })
      .addTool({
        name: 'works',
        execute: async () => {
          running.happened()
          await release.promise
          order.push('works ends')
        },
      })
    // A server of this process answers at once, so that only the slot can keep the call waiting.
    const proxy = FastMCP.asProxy(await serve(server), { era: '2025-11-25', maxConcurrency: 1 })
    const url = await serve(proxy)
    const asking = await connected(url, {
      era,
      elicitation: async () => {
        asks.happened()
        await running.promise
        answered.happened()
        return { action: 'accept', content: {} }
      },
    })
    const working = await connected(url, { era })
    const asked = asking.callTool('asks')
    await asks.promise
    const worked = working.callTool('works')
    await answered.promise
    // The answer has reached the proxy when another request of the same client is answered.
    await asking.listTools()
    expect(proxy.status().upstreams[0]?.pending).toBeGreaterThanOrEqual(1)
    expect(order).toEqual([])
    release.happened()
    expect((await asked).data).toBe('answered')
    await worked
    expect(order).toEqual(['works ends', 'asks goes on'])
    expect(proxy.status().upstreams[0]?.pending).toBe(0)
  },
)
