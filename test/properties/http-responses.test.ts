/** Whatever bytes an upstream sends, and however they are cut: a call gets its own result, or fails. */
import fc from 'fast-check'
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import {
  ERA_PAIRS,
  hostileUpstream,
  inChunks,
  toolResult,
  withLength,
  type Call,
} from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import type { RawRequest } from '../support/raw-upstream.js'
import { recordingLogger } from '../support/recording.js'

/** One way to answer a call. `isGood`: the call has to succeed. */
interface Behaviour {
  readonly name: string
  readonly isGood?: boolean
  readonly answer: (call: Call, request: RawRequest) => string
  /** Ends the connection after the answer. */
  readonly ending?: 'end' | 'reset'
}

const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n'
const later = (ms: number, work: () => void): void => void setTimeout(work, ms)

const BEHAVIOURS: readonly Behaviour[] = [
  { name: 'a length', isGood: true, answer: ({ response }) => withLength(response) },
  { name: 'chunks', isGood: true, answer: ({ response }) => inChunks(response) },
  {
    name: 'events',
    isGood: true,
    ending: 'end',
    answer: ({ response }) => `${EVENTS}\r\ndata: ${response}\n\n`,
  },
  {
    name: 'trailers and extensions',
    isGood: true,
    answer: ({ response }) =>
      inChunks(response).replace('\r\n9\r\n', '\r\n9;a=b\r\n').replace('\r\n0\r\n', '\r\n0\r\nx: y\r\n'),
  },
  {
    name: 'informational responses',
    isGood: true,
    answer: ({ response }) => `HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n${withLength(response)}`,
  },
  {
    name: 'until the end',
    isGood: true,
    ending: 'end',
    answer: ({ response }) => `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${response}`,
  },
  {
    name: 'closed after the answer',
    isGood: true,
    ending: 'end',
    answer: ({ response }) => withLength(response, 'connection: close\r\n'),
  },
  {
    name: 'closed unannounced',

    answer: ({ response }, { socket }) => (later(1, () => socket.end()), withLength(response)),
  },
  {
    name: 'reset soon after',

    answer: ({ response }, { socket }) => (later(2, () => socket.resetAndDestroy()), withLength(response)),
  },
  {
    name: 'too long a length',
    ending: 'end',
    answer: ({ response }) => withLength(response).replace(/length: (\d+)/, 'length: 1$1'),
  },
  {
    name: 'too short a length',
    answer: ({ response }) => withLength(response).replace(/length: \d+/, 'length: 7'),
  },
  { name: 'two lengths', answer: ({ response }) => withLength(response, 'content-length: 5\r\n') },
  {
    name: 'a length and chunks',
    answer: ({ response }) => withLength(response, 'transfer-encoding: chunked\r\n'),
  },
  { name: 'half an answer', ending: 'end', answer: ({ response }) => withLength(response).slice(0, -9) },
  {
    name: 'half an answer and a reset',
    ending: 'reset',
    answer: ({ response }) => inChunks(response).slice(0, -9),
  },
  { name: 'nothing', ending: 'end', answer: () => '' },
  { name: 'nothing and a reset', ending: 'reset', answer: () => '' },
  { name: 'no HTTP', answer: () => 'SSH-2.0-x\r\n\r\n' },
  {
    name: 'another protocol',
    answer: () => 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  },
  { name: 'no JSON', answer: () => withLength('{"jsonrpc"') },
  { name: 'an empty body', answer: () => withLength('') },
  {
    name: 'another type',
    answer: ({ response }) => withLength(response).replace('application/json', 'text/html'),
  },
  { name: 'a foreign id', answer: ({ id }) => withLength(toolResult(id - 1, 'foreign')) },
  { name: 'a foreign id in chunks', answer: ({ id }) => inChunks(toolResult(id + 1, 'foreign')) },
  {
    name: 'a foreign id in events',
    answer: ({ id, response }) =>
      `${EVENTS}\r\ndata: ${toolResult(id + 1, 'foreign')}\n\ndata: ${response}\n\n`,
  },
  { name: 'a text for an id', answer: ({ id }) => withLength(toolResult(String(id), 'foreign')) },
  { name: 'no id', answer: () => withLength('{"jsonrpc":"2.0","result":{"content":[]}}') },
  { name: 'a notification', answer: () => withLength('{"jsonrpc":"2.0","method":"notifications/x"}') },
  { name: 'status 202', answer: () => 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n' },
  { name: 'status 204', answer: () => 'HTTP/1.1 204 No Content\r\n\r\n' },
  { name: 'status 500', answer: () => 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n' },
  {
    name: 'status 400 with a foreign error',
    answer: ({ id }) =>
      withLength(
        JSON.stringify({ jsonrpc: '2.0', id: id + 1, error: { code: 1, message: 'foreign' } }),
      ).replace('200 OK', '400 No'),
  },
  { name: 'twice', isGood: true, answer: ({ response }) => withLength(response) + withLength(response) },
  {
    name: 'with a stray in the same packet',
    isGood: true,
    answer: ({ id, response }) => withLength(response) + withLength(toolResult(id - 1, 'foreign')),
  },
  {
    name: 'with a stray a moment later',

    answer: ({ id, response }, { socket }) => (
      later(2, () => socket.write(withLength(toolResult(id - 1, 'foreign')))),
      withLength(response)
    ),
  },
  {
    name: 'with stray bytes a moment later',

    answer: ({ response }, { socket }) => (later(1, () => socket.write('stray')), withLength(response)),
  },
]

/** Cuts a text at places between 0 and 1. */
function cut(text: string, places: readonly number[]): string[] {
  const bytes = text
  const ends = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].sort((a, b) => a - b)
  return [0, ...ends].map((start, at) => bytes.slice(start, ends[at])).filter((part) => part !== '')
}

const step = fc.record({
  behaviour: fc.constantFrom(...BEHAVIOURS),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
})

const call = { throwOnError: false, timeoutMs: 5000 }

describe.each(ERA_PAIRS)('$front → $behind', (eras) => {
  test('calls one after the other', async () => {
    let plan: { behaviour: Behaviour; cuts: readonly number[] } | undefined
    const upstream = await hostileUpstream(eras.behind, (asked, request) => {
      if (plan === undefined) return [withLength(asked.response)]
      const { behaviour, cuts } = plan
      const { ending } = behaviour
      return [...cut(behaviour.answer(asked, request), cuts), ...(ending === undefined ? [] : [ending])]
    })
    const { logger } = recordingLogger()
    const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: eras.behind, timeoutMs: 3000, logger })
    const client = await connected(await serve(proxy), { era: eras.front })
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        for (plan of steps) {
          const tag = `tag-${(count += 1)}`
          const result = await client.callTool('echo', { tag }, call)
          // What was sent too late before may cost this call, never another caller's result.
          if (result.isError !== true) expect(result.data, plan.behaviour.name).toBe(tag)
        }
        plan = undefined
        const after: unknown[] = []
        for (let left = steps.length; left >= 0; left--)
          after.push((await client.callTool('echo', { tag: 'after' }, call)).data)
        // Each stray costs one call at most.
        expect(after).toContain('after')
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

test.each(BEHAVIOURS.map(({ name }, at) => [name, at] as const))(
  '%s, split at every byte',
  async (_name, at) => {
    const behaviour = BEHAVIOURS[at] as Behaviour
    let isHostile = true
    const upstream = await hostileUpstream('2025-11-25', (asked, request) => {
      if (!isHostile) return [withLength(asked.response)]
      const bytes = Array.from(behaviour.answer(asked, request))
      return behaviour.ending === undefined ? bytes : [...bytes, behaviour.ending]
    })
    const client = await connected(upstream.url, { era: '2025-11-25' })
    const result = await client
      .callTool('echo', { tag: 'split' }, { timeoutMs: 5000 })
      .catch((error: unknown) => error)
    if (behaviour.isGood === true || !(result instanceof Error))
      expect(result).toMatchObject({ data: 'split' })
    isHostile = false
    const next = (): Promise<unknown> => client.callTool('echo', { tag: 'next' }, { timeoutMs: 5000 })
    // Bytes that were sent too late may cost one more call.
    expect(await next().catch(next)).toMatchObject({ data: 'next' })
  },
)
