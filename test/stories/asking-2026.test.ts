import { FastMCP, type Context, type FastMCPOptions } from 'fastmesh'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

const SURE = z.object({ sure: z.boolean() })
const CAN_ELICIT = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
const YES = { action: 'accept', content: { sure: true } }

interface Asked {
  readonly resultType?: string
  readonly inputRequests?: Record<string, { method: string; params: { message: string } }>
  readonly requestState?: string
  readonly content?: { text: string }[]
  readonly isError?: boolean
}

interface Answer {
  readonly result?: Asked
  readonly error?: { code: number; message: string }
}

function server(run: (context: Context) => unknown, options: Partial<FastMCPOptions> = {}) {
  return new FastMCP({ ...NAME, ...options })
    .addTool({ name: 'ask', execute: (_args, context) => run(context) })
    .addTool({ name: 'other', execute: (_args, context) => run(context) })
}

async function call(of: FastMCP<unknown, object>, params: object = {}, meta: object = {}): Promise<Answer> {
  const request = Raw.init2026(
    'tools/call',
    { name: 'ask', arguments: {}, ...params },
    { ...CAN_ELICIT, ...meta },
  )
  const answer = await of.request('/mcp', request)
  const text = await answer.text()
  return JSON.parse(text.startsWith('{') ? text : (/^data: (.+)$/m.exec(text)?.[1] ?? '')) as Answer
}

const confirm = async ({ elicit }: Context) =>
  (await elicit({ key: 'confirm', message: 'Sure?', schema: SURE })).action

describe('a call that is answered with questions', () => {
  test('has the shape of the protocol, and goes on with the answers', async () => {
    const of = server(confirm)
    const { result } = await call(of)
    expect(result).toEqual({
      resultType: 'input_required',
      inputRequests: {
        confirm: {
          method: 'elicitation/create',
          params: { message: 'Sure?', requestedSchema: expect.anything() },
        },
      },
      requestState: expect.any(String),
      _meta: { 'io.modelcontextprotocol/serverInfo': NAME },
    })
    const retry = { inputResponses: { confirm: YES }, requestState: result?.requestState }
    expect((await call(of, retry)).result?.content).toEqual([{ type: 'text', text: 'accept' }])
  })

  test('goes on in another replica with the same key, but in none with another', async () => {
    const key = 'k'.repeat(32)
    const { result } = await call(server(confirm, { requestState: { key } }))
    const retry = { inputResponses: { confirm: YES }, requestState: result?.requestState }
    expect((await call(server(confirm, { requestState: { key } }), retry)).result?.content?.[0]?.text).toBe(
      'accept',
    )
    const stranger = server(confirm, { requestState: { key: 'x'.repeat(32) } })
    expect((await call(stranger, retry)).error).toMatchObject({ code: -32602 })
  })

  test('without a key that replicas share, says so once to the logger, and still goes on', async () => {
    vi.stubEnv('FASTMESH_STATE_KEY', undefined)
    const logged: string[] = []
    const log = (...message: unknown[]) => void logged.push(message.join(' '))
    const of = server(confirm, { logger: { debug: log, info: log, warn: log, error: log } })
    vi.unstubAllEnvs()
    const { result } = await call(of)
    await call(of)
    expect(logged).toEqual([expect.stringContaining('FASTMESH_STATE_KEY')])
    const retry = { inputResponses: { confirm: YES }, requestState: result?.requestState }
    expect((await call(of, retry)).result?.content?.[0]?.text).toBe('accept')
  })

  test('a key that is too short is refused when the server is made', () => {
    expect(() => server(confirm, { requestState: { key: 'short' } })).toThrow(/at least 32 characters/)
    vi.stubEnv('FASTMESH_STATE_KEY', 'short')
    expect(() => server(confirm)).toThrow(/FASTMESH_STATE_KEY must have at least 32/)
    vi.unstubAllEnvs()
  })
})

describe('a state that is not what was issued', () => {
  const of = server(confirm)
  const issued = async () => (await call(of)).result?.requestState ?? ''
  const refused = { code: -32602, message: expect.stringContaining('requestState') }
  const inputResponses = { confirm: YES }

  test.each([
    ['changed at its end', (state: string) => `${state.slice(0, -2)}AA`],
    ['changed at its beginning', (state: string) => `AAAA${state.slice(4)}`],
    ['longer', (state: string) => `${state}-TAMPERED`],
    ['cut', (state: string) => state.slice(0, 10)],
    ['nothing', () => ''],
    ['no text', () => 5],
    ['no Base64', () => '*'.repeat(64)],
    ['huge', () => 'A'.repeat(2_000_000)],
  ])('is refused: %s', async (_what, change) => {
    expect((await call(of, { inputResponses, requestState: change(await issued()) })).error).toMatchObject(
      refused,
    )
  })

  test('is refused for another tool, other arguments, another client or another server', async () => {
    const requestState = await issued()
    const retry = { inputResponses, requestState }
    expect((await call(of, { ...retry, name: 'other' })).error).toMatchObject(refused)
    expect((await call(of, { ...retry, arguments: { more: 1 } })).error).toMatchObject(refused)
    const info = { 'io.modelcontextprotocol/clientInfo': { name: 'somebody else', version: '1' } }
    expect((await call(of, retry, info)).error).toMatchObject(refused)
    expect((await call(server(confirm, { name: 'another' }), retry)).error).toMatchObject(refused)
    expect((await call(of, retry)).result?.content?.[0]?.text).toBe('accept')
  })

  test('is refused once it is too old', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const requestState = await issued()
    vi.setSystemTime(Date.now() + 59 * 60_000)
    expect((await call(of, { inputResponses, requestState })).result).toBeDefined()
    vi.setSystemTime(Date.now() + 2 * 60_000)
    expect((await call(of, { inputResponses, requestState })).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('expired'),
    })
    vi.useRealTimers()
  })

  test.each([[null], [5], [[]], [{ confirm: 5 }], [{ confirm: null }]])(
    'answers that are none are refused: %j',
    async (bad) => {
      expect((await call(of, { inputResponses: bad })).error).toMatchObject({ code: -32602 })
    },
  )

  test('arguments in another order are the same', async () => {
    const first = await call(of, { arguments: { a: 1, b: { c: 2, d: 3 } } })
    const retry = {
      arguments: { b: { d: 3, c: 2 }, a: 1 },
      inputResponses,
      requestState: first.result?.requestState,
    }
    expect((await call(of, retry)).result?.content?.[0]?.text).toBe('accept')
  })
})

describe('questions from round to round', () => {
  /** Answer whatever is asked until the call ends. */
  async function toTheEnd(of: FastMCP<unknown, object>, answer: (message: string) => object = () => YES) {
    const rounds: string[][] = []
    let params = {}
    for (;;) {
      const { result, error } = await call(of, params)
      if (result?.inputRequests === undefined) return { rounds, result, error }
      const asked = Object.entries(result.inputRequests)
      rounds.push(asked.map(([, request]) => request.params.message))
      const responses = asked.map(([key, request]) => [key, answer(request.params.message)] as const)
      params = { inputResponses: Object.fromEntries(responses), requestState: result.requestState }
    }
  }

  test('the same question asked twice is asked twice, with keys or without', async () => {
    for (const key of [undefined, 'again']) {
      let answered = 0
      const of = server(async ({ elicit }) => {
        const form = { message: 'Again?', schema: SURE, ...(key === undefined ? {} : { key }) }
        const answers = [await elicit(form), await elicit(form)]
        return answers.map(({ action }) => action).join(' ')
      })
      const { result, rounds } = await toTheEnd(of, () => (answered++ === 0 ? YES : { action: 'decline' }))
      expect(rounds).toEqual([['Again?'], ['Again?']])
      expect(result?.content?.[0]?.text).toBe('accept decline')
    }
  })

  test('what is asked in one turn is asked together, and what is asked later in the next round', async () => {
    const of = server(async ({ elicit }) => {
      const ask = (message: string) => elicit({ message, schema: SURE })
      await Promise.all([ask('a'), Promise.resolve().then(() => ask('b')), ask('c').then(() => ask('d'))])
      return 'done'
    })
    const { rounds, result } = await toTheEnd(of)
    expect(rounds).toEqual([['a', 'c', 'b'], ['d']])
    expect(result?.content?.[0]?.text).toBe('done')
  })

  test('a question whose words change needs a key, and does not go on for ever without', async () => {
    const changing = (key?: string) => {
      let run = 0
      return server(
        async ({ elicit }) => {
          run += 1
          const keyed = key === undefined ? {} : { key }
          return (await elicit({ message: `Run ${run}?`, schema: SURE, ...keyed })).action
        },
        { requestState: { maxRounds: 4 } },
      )
    }
    expect((await toTheEnd(changing('it'))).result?.content?.[0]?.text).toBe('accept')
    const { rounds, error } = await toTheEnd(changing())
    expect(rounds).toHaveLength(4)
    expect(error).toMatchObject({ code: -32600, message: expect.stringContaining('needs a key') })
  })

  test('answers to what was not asked are ignored, and what is missing is asked again', async () => {
    const of = server(confirm)
    const { result } = await call(of)
    const again = await call(of, { inputResponses: { other: YES }, requestState: result?.requestState })
    expect(Object.keys(again.result?.inputRequests ?? {})).toEqual(['confirm'])
    const retry = { inputResponses: { confirm: YES, other: YES }, requestState: again.result?.requestState }
    expect((await call(of, retry)).result?.content?.[0]?.text).toBe('accept')
  })

  test('a run that is left has its signal fired and its finally blocks run, and says nothing more', async () => {
    const seen: string[] = []
    const of = server(async ({ elicit, signal, once }) => {
      signal.addEventListener('abort', () => seen.push(`signal: ${(signal.reason as Error).name}`))
      try {
        return (await elicit({ message: 'Sure?', schema: SURE })).action
      } catch (error) {
        seen.push(`caught: ${(error as Error).name}`)
        await once('late', () => seen.push('late')).catch(() => seen.push('too late'))
        return 'swallowed'
      } finally {
        seen.push('finally')
      }
    })
    const { result } = await call(of)
    expect(result?.resultType).toBe('input_required')
    await expect.poll(() => seen).toEqual(['caught: AbortError', 'too late', 'finally', 'signal: AbortError'])
  })

  test('once is over before the state is sealed, even where it began beside a question', async () => {
    let made = 0
    const of = server(async ({ elicit, once }) => {
      const [value] = await Promise.all([
        once('slow', async () => {
          await new Promise((resolve) => setImmediate(resolve))
          await new Promise((resolve) => setImmediate(resolve))
          return (made += 1)
        }),
        elicit({ message: 'Sure?', schema: SURE }),
      ])
      return String(value)
    })
    expect((await toTheEnd(of)).result?.content?.[0]?.text).toBe('1')
    expect(made).toBe(1)
  })

  test('once that fails is no result, and is tried again', async () => {
    let tries = 0
    const of = server(async ({ elicit, once }) => {
      const attempt = () => {
        tries += 1
        if (tries === 1) throw new Error('not yet')
        return tries
      }
      const value = await once('it', attempt).catch(() => 'failed')
      await elicit({ message: 'Sure?', schema: SURE })
      return String(value)
    })
    expect((await toTheEnd(of)).result?.content?.[0]?.text).toBe('2')
  })

  test('asking within once ends the round all the same', async () => {
    const of = server(async ({ elicit, once }) =>
      once('it', async () => (await elicit({ message: '?', schema: SURE })).action),
    )
    expect((await toTheEnd(of)).result?.content?.[0]?.text).toBe('accept')
  })

  test('names that objects have already are ordinary keys', async () => {
    const of = server(async ({ elicit, once }) => {
      const values = [await once('__proto__', () => 1), await once('constructor', () => 2)]
      const answer = await elicit({ key: 'toString', message: '?', schema: SURE })
      return `${values.join()} ${answer.action}`
    })
    expect((await toTheEnd(of)).result?.content?.[0]?.text).toBe('1,2 accept')
  })

  test('more to remember than a client can carry is an error', async () => {
    const of = server(async ({ elicit, once }) => {
      await once('big', () => 'x'.repeat(2_000_000))
      return (await elicit({ message: '?', schema: SURE })).action
    })
    expect((await call(of)).error).toMatchObject({ code: -32603, message: expect.stringContaining('carry') })
  })
})

test('no client can read what the state holds', async () => {
  const of = server(async ({ elicit, once }) => {
    await once('secret', () => 'hunter2')
    return (await elicit({ message: '?', schema: SURE })).action
  })
  const state = (await call(of)).result?.requestState ?? ''
  expect(Buffer.from(state, 'base64url').toString('latin1')).not.toContain('hunter2')
})
