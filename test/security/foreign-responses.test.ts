/** An upstream that sends responses which were not asked for: no caller may get what belongs to another. */
import { FastMCP, type Client } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import {
  asEvents,
  ERA_PAIRS,
  hostileUpstream,
  inChunks,
  toolResult,
  withLength,
  type Call,
  type Era,
} from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const CALLERS = ['ann', 'bob', 'eve']
const ROUNDS = 24

/** Three authenticated callers of a proxy. */
async function callersOf(url: string, { front, behind }: { front: Era; behind: Era }): Promise<Client[]> {
  const proxy = FastMCP.asProxy(url, {
    name: 'proxy',
    era: behind,
    logger: recordingLogger().logger,
    authenticate: (request) => ({ id: request.headers['x-api-key'] }),
  })
  const address = await serve(proxy)
  return Promise.all(
    CALLERS.map((key) => connected({ url: address, headers: { 'x-api-key': key } }, { era: front })),
  )
}

/** Each caller calls with tags of its own. Returns the tags it got, or the error. */
async function callAll(callers: readonly Client[]): Promise<{ tag: string; got: unknown }[]> {
  const calls = callers.map(async (client, at) => {
    const answers = []
    for (let round = 0; round < ROUNDS; round++) {
      const tag = `${CALLERS[at]}-${round}`
      const result = await client.callTool('echo', { tag }, { throwOnError: false })
      answers.push({ tag, got: result.isError === true ? new Error(String(result.data)) : result.data })
    }
    return answers
  })
  return (await Promise.all(calls)).flat()
}

const FRAMINGS = { 'a length': withLength, chunks: inChunks }
const DELAYS = [undefined, 2, 50]

describe.each(ERA_PAIRS)('a second response behind a good one, $front → $behind', (eras) => {
  test.each(Object.keys(FRAMINGS).flatMap((framing) => DELAYS.map((delay) => ({ framing, delay }))))(
    'with $framing, $delay ms later › no caller gets the result of another, and the next calls succeed',
    async ({ framing, delay }) => {
      const framed = FRAMINGS[framing as keyof typeof FRAMINGS]
      let isHostile = true
      let injected = 0
      let unsent = 0
      let count = 0
      let last: Call | undefined
      const upstream = await hostileUpstream(eras.behind, (call, { socket }) => {
        const earlier = last
        last = call
        count += 1
        if (!isHostile || earlier === undefined || count % 3 !== 0) return [framed(call.response)]
        injected += 1
        // It has the id of an earlier call, of another caller for the most part.
        const stray = framed(toolResult(earlier.id, earlier.tag))
        if (delay === undefined) return [framed(call.response) + stray]
        unsent += 1
        setTimeout(() => {
          unsent -= 1
          socket.write(stray)
        }, delay)
        return [framed(call.response)]
      })
      const callers = await callersOf(upstream.url, eras)
      const answers = await callAll(callers)
      const failed = answers.filter(({ got }) => got instanceof Error)
      for (const { tag, got } of answers) if (!(got instanceof Error)) expect(got).toBe(tag)
      expect(injected).toBeGreaterThan(5)
      expect(failed.length).toBeLessThanOrEqual(delay === undefined ? 0 : injected)
      for (const { got } of failed) expect(String(got)).toMatch(/not known whether|lost|unavailable/)
      isHostile = false
      await expect.poll(() => unsent).toBe(0)
      // Strays that were sent before may still meet the first calls.
      await callAll(callers)
      for (const { tag, got } of await callAll(callers)) expect(got).toBe(tag)
    },
  )
})

describe.each(ERA_PAIRS)('a response with the id of another request, $front → $behind', (eras) => {
  test.each(Object.entries({ 'a length': withLength, chunks: inChunks, events: asEvents }))(
    'with %s › that call alone fails, and its connection is not used again',
    async (_framing, framed) => {
      let isForeign = false
      const upstream = await hostileUpstream(eras.behind, (call) => [
        framed(isForeign ? toolResult(call.id + 1, 'foreign') : call.response),
      ])
      const [client] = await callersOf(upstream.url, eras)
      expect((await client?.callTool('echo', { tag: 'one' }))?.data).toBe('one')
      isForeign = true
      const failure = await client?.callTool('echo', { tag: 'two' }, { throwOnError: false })
      expect(failure).toMatchObject({ isError: true })
      expect(String(failure?.data)).toMatch(/not known whether/)
      isForeign = false
      expect((await client?.callTool('echo', { tag: 'three' }))?.data).toBe('three')
    },
  )

  test('that is JSON followed by white space in another chunk › the connection is not used again', async () => {
    let isForeign = true
    const sockets = new Set<object>()
    const upstream = await hostileUpstream(eras.behind, (call, { socket }) => {
      if (!isForeign) {
        expect(sockets.has(socket)).toBe(false)
        return [withLength(call.response)]
      }
      sockets.add(socket)
      const body = toolResult(call.id + 1, 'foreign')
      const chunk = (part: string): string => `${part.length.toString(16)}\r\n${part}\r\n`
      return [
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
        chunk(body.slice(0, -1)),
        chunk('}'),
        chunk(' \n'),
        '0\r\n\r\n',
      ]
    })
    const [client] = await callersOf(upstream.url, eras)
    await client?.callTool('echo', { tag: 'one' }, { throwOnError: false })
    isForeign = false
    for (let call = 0; call < 5; call++)
      expect((await client?.callTool('echo', { tag: 'two' }))?.data).toBe('two')
  })
})

test.each(ERA_PAIRS)(
  'a notification that is answered with a result, $front → $behind › no request gets that result',
  async (eras) => {
    const upstream = await hostileUpstream(eras.behind, (call) => [withLength(call.response)])
    const usual = upstream.script
    upstream.script = (request) =>
      request.body.includes('"notifications/')
        ? [withLength(toolResult(1, 'foreign')).replace('200 OK', '202 Accepted')]
        : usual(request)
    const callers = await callersOf(upstream.url, eras)
    for (const { tag, got } of await callAll(callers)) expect(got).toBe(tag)
  },
)
