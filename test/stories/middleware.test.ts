import { describe, expect, expectTypeOf, test } from 'vitest'
import { FastMCP, inputRequired, type AnyRun, type CallToolResult, type RunResult } from 'fastmesh'
import { cache, limitSize, logging, rateLimit, retry, timing, type RunReport } from 'fastmesh/middleware'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { WAYS, type OfficialClient } from '../support/clients.js'
import { recordingLogger } from '../support/recording.js'

const make = (name: string, options: object = {}) => new FastMCP({ name, version: '1.0.0', ...options })
const connect = WAYS[0]!.connect
const call = (client: OfficialClient, name: string, args: object = {}) =>
  client.callTool({ name, arguments: { ...args } })
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text

describe.each(WAYS)('for $name, middleware', ({ connect: connectThis }) => {
  test('surrounds every run, outer servers first, each with the names it knows', async () => {
    const story: string[] = []
    const telling =
      (who: string) =>
      async ({ kind, name }: AnyRun, next: () => Promise<RunResult>): Promise<RunResult> => {
        story.push(`${who} > ${kind} ${name}`)
        const result = await next()
        story.push(`${who} <`)
        return result
      }
    const child = make('child')
      .addTool({
        name: 't',
        execute: async (_args, { readResource }) => JSON.stringify(await readResource('data://7')),
      })
      .addResourceTemplate({ uriTemplate: 'data://{id}', name: 'd', load: ({ id }) => id })
      .addPrompt({ name: 'p', load: () => 'p' })
      .use(telling('child'))
    const main = make('main').use(telling('first')).use(telling('second')).mount('c', child)
    const client = await connectThis(main)
    await call(client, 'c_t')
    expect(story.splice(0)).toEqual([
      'first > tool c_t',
      'second > tool c_t',
      'child > tool t',
      'child > resource data://7',
      'child <',
      'child <',
      'second <',
      'first <',
    ])
    await client.readResource({ uri: 'data://c/7' })
    expect(story.splice(0).slice(0, 3)).toEqual([
      'first > resource data://c/7',
      'second > resource data://c/7',
      'child > resource data://7',
    ])
    await client.getPrompt({ name: 'c_p' })
    expect(story[0]).toBe('first > prompt c_p')
  })

  test('sees a run that asks the client, and every round of it', async () => {
    const outcomes: string[] = []
    const server = make('server').addTool({
      name: 'asks',
      execute: (_args, { inputResponses }) =>
        inputResponses === undefined
          ? inputRequired({
              inputRequests: {
                name: inputRequired.elicit({ message: 'Name?', schema: z.object({ name: z.string() }) }),
              },
            })
          : 'known',
    })
    server.use(logging({ log: ({ outcome }) => outcomes.push(outcome) }))
    const answers = { elicit: () => ({ action: 'accept', content: { name: 'Ann' } }) }
    const client = await connectThis(server, {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    expect(textOf(await call(client, 'asks'))).toBe('known')
    expect(outcomes).toEqual(['asked', 'done'])
  })
})

describe('middleware', () => {
  test('of one kind has exact types, and may change arguments and result, or answer itself', async () => {
    const server = make('server').addTool({ name: 'echo', execute: (args) => args })
    server.use('tool', async ({ name, params, definition, tags, context }, next) => {
      expectTypeOf(params).toEqualTypeOf<Record<string, unknown>>()
      expectTypeOf<CallToolResult>().toExtend<Awaited<ReturnType<typeof next>>>()
      expect([name, definition.name, [...tags], context.client.name]).toEqual([
        'echo',
        'echo',
        [],
        'test-client',
      ])
      if (params['blocked'] === true) return { content: [], isError: true }
      const result = await next({ ...params, added: 1 })
      return Object.assign(result, { _meta: { seen: true } })
    })
    server.use('prompt', () => {
      throw new Error('never')
    })
    const client = await connect(server)
    expect(await call(client, 'echo', { a: 1 })).toMatchObject({
      structuredContent: { a: 1, added: 1 },
      _meta: { seen: true },
    })
    expect(await call(client, 'echo', { blocked: true })).toMatchObject({ isError: true })
  })

  test('that throws or gives nothing is a failure of the run, and of nothing else', async () => {
    const { logger, lines } = recordingLogger()
    const server = make('server', { logger })
      .addTool({ name: 'a', execute: () => 'a' })
      .addTool({ name: 'b', execute: () => 'b' })
    server.use('tool', (async ({ name }: AnyRun, next: () => Promise<RunResult>) => {
      if (name === 'b') return next()
      await next()
    }) as never)
    const client = await connect(server)
    expect(textOf(await call(client, 'a'))).toBe("Error calling tool 'a'")
    expect(lines.join()).toContain("A middleware around tool 'a' returned no result")
    expect(textOf(await call(client, 'b'))).toBe('b')
    expect(() => server.use(7 as never)).toThrow('A middleware must be a function')
  })
})

describe('ready-made middleware', () => {
  const failing = (times: number, annotations: object) => {
    let runs = 0
    return {
      tool: {
        name: 'fails',
        annotations,
        execute: () => {
          runs += 1
          if (runs <= times) throw new Error('not yet')
          return `after ${runs}`
        },
      },
      runs: () => runs,
    }
  }

  test('logging tells how each run went', async () => {
    const reports: RunReport[] = []
    const { logger } = recordingLogger()
    const server = make('server', { logger }).addTool(failing(1, {}).tool)
    server.use(logging({ log: (report) => reports.push(report), params: true }))
    const client = await connect(server)
    await call(client, 'fails', { a: 1 })
    await call(client, 'fails')
    expect(reports).toMatchObject([
      {
        kind: 'tool',
        name: 'fails',
        outcome: 'failed',
        client: 'test-client',
        params: { a: 1 },
        error: new Error('not yet'),
      },
      { outcome: 'done', params: {} },
    ])
    expect(reports[0]!.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('timing knows how long runs took, of those that ran last', async () => {
    const times = timing({ maxNames: 2 })
    const { logger } = recordingLogger()
    const server = make('server', { logger }).addTool(failing(1, {}).tool)
    for (const name of ['a', 'b']) server.addTool({ name, execute: () => '' })
    server.use(times)
    const client = await connect(server)
    await call(client, 'a')
    await call(client, 'fails')
    for (let run = 0; run < 3; run += 1) await call(client, 'b')
    const timings = times.timings()
    expect(Object.keys(timings)).toEqual(['tool fails', 'tool b'])
    expect(timings['tool fails']).toMatchObject({ count: 1, failed: 1 })
    const { count, failed, meanMs, maxMs, p50Ms, p99Ms } = timings['tool b']!
    expect([count, failed]).toEqual([3, 0])
    expect(p50Ms).toBeGreaterThan(0)
    expect(meanMs).toBeLessThanOrEqual(maxMs)
    expect(p50Ms).toBeLessThanOrEqual(p99Ms)
    expect(p99Ms).toBeLessThanOrEqual(maxMs)
  })

  test('rateLimit refuses who comes too often, and nobody else', async () => {
    const server = make('server').addTool({ name: 't', execute: () => 'ok' })
    server.use(rateLimit({ limit: 2, windowMs: 3_600_000 }))
    const [first, second] = [
      await connect(server),
      await WAYS.find(({ wire }) => wire === 'memory')!.connect(server),
    ]
    for (let run = 0; run < 2; run += 1) expect(textOf(await call(first, 't'))).toBe('ok')
    const refused = await call(first, 't')
    expect(refused).toMatchObject({ isError: true, structuredContent: { retryAfterMs: expect.any(Number) } })
    expect(textOf(refused)).toMatch(/^Too many calls: try again in 1800 s$/)
    expect(textOf(await call(second, 't'))).toBe('ok')
    expect(() => rateLimit({ limit: 0 })).toThrow('rateLimit: limit must be a number of at least 1')
  })

  test('rateLimit keeps no more callers than it is told to', async () => {
    let caller = 'a'
    const server = make('server').addTool({ name: 't', execute: () => 'ok' })
    server.use(rateLimit({ limit: 1, windowMs: 3_600_000, by: () => caller, maxCallers: 1 }))
    const client = await connect(server)
    await call(client, 't')
    expect(await call(client, 't')).toMatchObject({ isError: true })
    caller = 'b'
    await call(client, 't')
    caller = 'a'
    expect(textOf(await call(client, 't'))).toBe('ok')
  })

  test('cache answers again, to the same caller, until something changes', async () => {
    let runs = 0
    const counting = (name: string, annotations: object = { readOnlyHint: true }) => ({
      name,
      annotations,
      execute: () => `run ${(runs += 1)}`,
    })
    const child = make('child').addTool(counting('reads')).addTool(counting('writes', {}))
    child.addResource({ uri: 'data://r', name: 'r', load: () => `load ${(runs += 1)}` })
    const server = make('server').mount('c', child)
    server.use(cache({ maxEntries: 2 }))
    const client = await connect(server)
    const reads = async (args?: object) => textOf(await call(client, 'c_reads', args))
    expect([await reads({ a: 1, b: 2 }), await reads({ b: 2, a: 1 })]).toEqual(['run 1', 'run 1'])
    expect(await reads({ a: 2 })).toBe('run 2')
    expect([textOf(await call(client, 'c_writes')), textOf(await call(client, 'c_writes'))]).toEqual([
      'run 3',
      'run 4',
    ])
    const load = async () => (await client.readResource({ uri: 'data://c/r' })).contents
    expect([await load(), await load()]).toMatchObject([[{ text: 'load 5' }], [{ text: 'load 5' }]])
    child.notifyResourceUpdated('data://r')
    expect(await load()).toMatchObject([{ text: 'load 6' }])
    expect(await reads({ a: 1, b: 2 })).toBe('run 7')
    child.addTool(counting('another'))
    expect(await reads({ a: 1, b: 2 })).toBe('run 8')
    const other = await WAYS.find(({ wire }) => wire === 'memory')!.connect(server)
    expect(textOf(await call(other, 'c_reads', { a: 1, b: 2 }))).toBe('run 9')
  })

  test('cache is shared where that is said, keeps no errors, and nothing of nobody', async () => {
    let runs = 0
    const tool = {
      name: 't',
      annotations: { readOnlyHint: true },
      execute: () => ({ content: `run ${(runs += 1)}`, isError: runs === 1 }),
    }
    const shared = make('shared').addTool(tool)
    shared.use(cache({ shared: true }))
    const nobody = WAYS.find(({ era, wire }) => era === '2026-07-28' && wire === 'http')!
    const [first, second] = [await connect(shared), await nobody.connect(shared)]
    expect([await call(first, 't'), await call(second, 't'), await call(first, 't')].map(textOf)).toEqual([
      'run 1',
      'run 2',
      'run 2',
    ])
    const own = make('own').addTool(tool)
    own.use(cache())
    const unknown = await nobody.connect(own)
    expect([await call(unknown, 't'), await call(unknown, 't')].map(textOf)).toEqual(['run 3', 'run 4'])
  })

  test('cache forgets what is too old, and does not keep what changed while it ran', async () => {
    let runs = 0
    const server = make('server').addResource({
      uri: 'data://r',
      name: 'r',
      load: ({ notifyResourceUpdated }) => {
        runs += 1
        if (runs === 1) notifyResourceUpdated('data://r')
        return `load ${runs}`
      },
    })
    server.use(cache({ ttlMs: Number.MIN_VALUE, by: () => 'me' }))
    const client = await connect(server)
    const load = async () => (await client.readResource({ uri: 'data://r' })).contents
    expect([await load(), await load(), await load()]).toMatchObject([
      [{ text: 'load 1' }],
      [{ text: 'load 2' }],
      [{ text: 'load 3' }],
    ])
    const kept = make('kept').addResource({
      uri: 'data://r',
      name: 'r',
      load: ({ notifyResourceUpdated }) => {
        if ((runs += 1) === 4) notifyResourceUpdated('data://r')
        return `load ${runs}`
      },
    })
    kept.use(cache())
    const another = await connect(kept)
    const again = async () => (await another.readResource({ uri: 'data://r' })).contents
    expect([await again(), await again(), await again()]).toMatchObject([
      [{ text: 'load 4' }],
      [{ text: 'load 5' }],
      [{ text: 'load 5' }],
    ])
  })

  test('retry begins again what may be repeated, and nothing else', async () => {
    const { logger } = recordingLogger()
    const attempt = async (annotations: object, times: number) => {
      const { tool, runs } = failing(times, annotations)
      const server = make('server', { logger }).addTool(tool)
      server.use(retry({ delayMs: 1 }))
      const result = await call(await connect(server), 'fails')
      return [textOf(result), runs()]
    }
    expect(await attempt({ idempotentHint: true }, 2)).toEqual(['after 3', 3])
    expect(await attempt({ readOnlyHint: true }, 1)).toEqual(['after 2', 2])
    expect(await attempt({ readOnlyHint: true }, 9)).toEqual(["Error calling tool 'fails'", 3])
    expect(await attempt({}, 1)).toEqual(["Error calling tool 'fails'", 1])
  })

  test('retry does not wait for a client that has gone', async () => {
    const { logger } = recordingLogger()
    const { tool, runs } = failing(9, { readOnlyHint: true })
    const server = make('server', { logger }).addTool(tool)
    let fail: (error: unknown) => void = () => {}
    const failed = new Promise((resolve) => (fail = resolve))
    server.use(async (_run, next) => {
      try {
        return await next()
      } catch (error) {
        fail(error)
        throw error
      }
    })
    server.use(retry({ delayMs: 3_600_000, maxDelayMs: 3_600_000 }))
    const controller = new AbortController()
    server.use(async (_run, next) => next().finally(() => setImmediate(() => controller.abort('gone'))))
    const client = await connect(server)
    await expect(
      client.callTool({ name: 'fails', arguments: {} }, { signal: controller.signal }),
    ).rejects.toThrow()
    expect(await failed).toMatchObject({ name: 'AbortError' })
    expect(runs()).toBe(1)
  })

  test('limitSize refuses what is too large, or cuts text', async () => {
    const server = make('server')
      .addTool({ name: 'small', execute: () => 'ok' })
      .addTool({ name: 'large', execute: () => 'é"'.repeat(500) })
      .addTool({ name: 'data', execute: () => ({ text: 'x'.repeat(500) }) })
    server.addResource({ uri: 'data://large', name: 'large', load: () => 'x'.repeat(500) })
    const cutting = make('cutting').mount(server)
    server.use(limitSize({ maxBytes: 300 }))
    cutting.use(limitSize({ maxBytes: 200 }))
    const client = await connect(server)
    expect(textOf(await call(client, 'small'))).toBe('ok')
    expect(textOf(await call(client, 'large'))).toMatch(
      /^The result of tool 'large' has \d+ bytes, of at most 300$/,
    )
    await expect(client.readResource({ uri: 'data://large' })).rejects.toThrow('of at most 300')
    const another = make('another')
      .addTool({ name: 'large', execute: () => 'é"'.repeat(500) })
      .addTool({ name: 'data', execute: () => ({ text: 'x'.repeat(500) }) })
    another.use(limitSize({ maxBytes: 300, cutText: true }))
    const cut = await connect(another)
    const result = await call(cut, 'large')
    expect(Buffer.byteLength(JSON.stringify({ content: result.content }))).toBeLessThanOrEqual(300)
    expect(textOf(result)).toMatch(/^(é")+é?$/)
    expect(textOf(result).length).toBeGreaterThan(50)
    expect(textOf(await call(cut, 'data'))).toMatch(/of at most 300$/)
  })
})
