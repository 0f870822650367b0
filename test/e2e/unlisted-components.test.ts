/** Components that no list of a server shows: the server behind a proxy answers for them, as it does without one. */
import { FastMCP, type EraName } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

/** A server with a tool that asks, and a template with completions; a filter of the proxy's client hides both. */
function hiding(): FastMCP {
  return new FastMCP({ name: 'hiding', version: '1.0.0' })
    .addTool({
      name: 'asks',
      execute: async (_args, { elicit }) => {
        const { action } = await elicit({ message: 'Sure?', schema: z.object({}) })
        return action
      },
    })
    .addResourceTemplate({
      uriTemplate: 'data://{id}',
      name: 'data',
      arguments: [{ name: 'id', complete: () => ['of the server'] }],
      load: () => 'x',
    })
}

/** The URL of that server, whose lists are empty. */
async function unlisting(): Promise<string> {
  const url = await serve(hiding())
  const empty = async (target: string | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(target, init)
    const isList = typeof init?.body === 'string' && /"method":"[a-z/]+\/list"/.test(init.body)
    if (!isList || !response.ok) return response
    const text = await response.text()
    return new Response(text.replace(/"(tools|resourceTemplates)":\[[^]*\](,|\})/, '"$1":[]$2'), {
      headers: { 'content-type': response.headers.get('content-type') ?? '' },
    })
  }
  FETCHES.set(url, empty as typeof fetch)
  return url
}

const FETCHES = new Map<string, typeof fetch>()

describe.each(pairs)('a client of $front before a server of $behind', ({ front, behind }) => {
  test('› an unlisted tool asks its client, and gets the answer', async () => {
    const url = await unlisting()
    const proxy = FastMCP.asProxy(url, { era: behind, fetch: FETCHES.get(url) })
    const client = await connected(await serve(proxy), {
      era: front,
      elicitation: () => ({ action: 'accept', content: {} }),
    })
    expect(await client.listTools()).toEqual([])
    expect((await client.callTool('asks')).data).toBe('accept')
  })

  test('› an unlisted template completes its arguments', async () => {
    const url = await unlisting()
    const proxy = FastMCP.asProxy(url, { era: behind, fetch: FETCHES.get(url) })
    const client = await connected(await serve(proxy), { era: front })
    const ref = { type: 'ref/resource', uri: 'data://{id}' } as const
    const completion = await client.complete({ ref, argument: { name: 'id', value: '' } })
    expect(completion.values).toEqual(['of the server'])
  })
})

test('two proxies that lead to each other › end the search for an unknown tool', async () => {
  const { logger } = recordingLogger()
  const port = async (): Promise<string> => {
    const holder = new FastMCP({ name: 'holder', version: '1.0.0', logger })
    const url = await serve(holder)
    await holder.stop()
    return url
  }
  const [one, other] = [await port(), await port()]
  const options = { logger, maxConcurrency: 3 }
  const portOf = (url: string): number => Number(new URL(url).port)
  await serve(FastMCP.asProxy(other, options), { port: portOf(one) })
  await serve(FastMCP.asProxy(one, options), { port: portOf(other) })
  const client = await connected(one, { timeoutMs: 8000 })
  await expect(client.callTool('nonexistent')).rejects.toThrow('Unknown tool')
}, 20_000)
