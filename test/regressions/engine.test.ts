import { describe, expect, test } from 'vitest'
import { FastMCP, ResourceError, UserError, type Logger } from 'fastmesh'
import { z } from 'zod'
import { ERAS, onCleanup, serve, WAYS } from '../support/clients.js'
import { Raw } from '../support/raw-http.js'

const NAME = { name: 'test', version: '1.0.0' }
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What reached nobody while something ran. */
async function unhandledDuring(run: () => Promise<void>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  await run()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  return unhandled
}

describe.each(ERAS)('what cannot be encoded is answered all the same ($era)', ({ connect }) => {
  test('data of errors, and results', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const server = new FastMCP({ ...NAME, logger: silent })
      .addResource({
        uri: 'data://it',
        name: 'It',
        load: () => {
          throw new ResourceError('Told', circular)
        },
      })
      .addTool({
        name: 'it',
        execute: () => {
          throw new UserError('Told', { n: 10n })
        },
      })
    const client = await connect(server)
    await expect(client.readResource({ uri: 'data://it' })).rejects.toThrow('Told')
    await expect(client.callTool({ name: 'it', arguments: {} })).rejects.toMatchObject({ code: -32603 })
    expect((await client.listTools()).tools).toHaveLength(1)
  })

  test('while the logger fails', async () => {
    const fail = () => {
      throw new Error('the disk is full')
    }
    const logger = { debug: fail, info: fail, warn: fail, error: fail }
    const server = new FastMCP({ ...NAME, logger }).addTool({ name: 'it', execute: fail })
    const result = await (await connect(server)).callTool({ name: 'it', arguments: {} })
    expect(result.isError).toBe(true)
  })

  test('and log messages', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'it',
      execute: (_args, { log }) => {
        log.error('big', 10n)
        log.error('broken', new TypeError('why'))
        return 'done'
      },
    })
    const client = await connect(server)
    expect((await client.callTool({ name: 'it', arguments: {} })).content).toEqual([
      { type: 'text', text: 'done' },
    ])
  })
})

test('progress and content that nobody awaits harm nobody', async () => {
  const server = new FastMCP(NAME).addTool({
    name: 'it',
    execute: (_args, { reportProgress, streamContent }) => {
      void reportProgress({ progress: NaN })
      void streamContent(undefined as never)
      return 'done'
    },
  })
  const client = await WAYS[0]!.connect(server)
  const unhandled = await unhandledDuring(async () => {
    await client.callTool({ name: 'it', arguments: {} }).catch(() => {})
  })
  expect(unhandled).toEqual([])
})

describe('a client that reads too slowly', () => {
  const flood = (count: number) =>
    new FastMCP(NAME).addTool({
      name: 'flood',
      execute: (_args, { log }) => {
        for (let sent = 0; sent < count; sent++) log.info(`message ${sent}`, 'x'.repeat(100))
        return 'done'
      },
    })
  const meta = { 'io.modelcontextprotocol/logLevel': 'info' }

  test('over fetch gets everything in the end', async () => {
    const response = await flood(30_000).request('/mcp', Raw.init2026('tools/call', { name: 'flood' }, meta))
    expect((await response.text()).match(/^data: /gm)).toHaveLength(30_001)
  })

  test('over a socket gets everything in the end, and warns of nothing', async () => {
    const warnings: string[] = []
    const note = (warning: Error) => warnings.push(warning.message)
    process.on('warning', note)
    const connection = await Raw.connect(await serve(flood(30_000)))
    onCleanup(() => connection.destroy())
    const { body } = await connection.ask2026('tools/call', { name: 'flood' }, meta)
    process.off('warning', note)
    expect(body.match(/^data: /gm)).toHaveLength(30_001)
    expect(warnings).toEqual([])
  })
})

test('a client that is gone before it is read is called off', async () => {
  let ran = false
  const server = new FastMCP(NAME).addTool({
    name: 'it',
    execute: async (_args, { signal }) => {
      ran = !signal.aborted
    },
  })
  const controller = new AbortController()
  const outcome = server.request('/mcp', {
    ...Raw.init2026('tools/call', { name: 'it' }),
    signal: controller.signal,
  })
  controller.abort()
  await expect(outcome).rejects.toMatchObject({ name: 'AbortError' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(ran).toBe(false)
})

test('stopping ends with the last call, also if that came after the first', async () => {
  const finish: (() => void)[] = []
  const server = new FastMCP(NAME).addTool({
    name: 'wait',
    execute: () => new Promise((resolve) => finish.push(() => resolve('done'))),
  })
  const url = await serve(server)
  const [first, second, third] = await Promise.all([Raw.connect(url), Raw.connect(url), Raw.connect(url)])
  const answers = [
    first.ask2026('tools/call', { name: 'wait' }),
    second.ask2026('tools/call', { name: 'wait' }),
  ]
  await expect.poll(() => finish.length).toBe(2)
  const began = performance.now()
  const stopped = server.stop()
  expect((await third.ask2026('tools/call', { name: 'wait' })).json).toMatchObject({
    error: { code: -32603 },
  })
  for (const done of finish) done()
  for (const answer of answers) expect((await answer).json).toMatchObject({ result: {} })
  await stopped
  expect(performance.now() - began).toBeLessThan(9000)
})

test('what a tool calls ends with its time', async () => {
  let inner: AbortSignal | undefined
  const server = new FastMCP(NAME)
    .addTool({
      name: 'inner',
      execute: (_args, { signal }) => {
        inner = signal
        return new Promise(() => {})
      },
    })
    .addTool({ name: 'outer', timeoutMs: 20, execute: (_args, { callTool }) => callTool('inner') })
  const result = await (await WAYS[0]!.connect(server)).callTool({ name: 'outer', arguments: {} })
  expect(result.isError).toBe(true)
  expect(inner?.aborted).toBe(true)
})

describe.each(ERAS)('results that look like something else ($era)', ({ connect, era }) => {
  test('data with a member called content', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'it',
      outputSchema: z.object({ content: z.string() }),
      execute: () => ({ content: 'hi' }),
    })
    const result = await (await connect(server)).callTool({ name: 'it', arguments: {} })
    expect(result.structuredContent).toEqual({ content: 'hi' })
  })

  test('extras of an error behind an output schema', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'it',
      outputSchema: z.object({ id: z.number() }),
      execute: () => {
        throw new UserError('No such id', { tried: 5 })
      },
    })
    const result = await (await connect(server)).callTool({ name: 'it', arguments: {} })
    expect(result).toMatchObject({ isError: true, content: [{ text: 'No such id' }] })
    if (era === '2026-07-28') expect(result.structuredContent).toEqual({ tried: 5 })
    else expect(result._meta).toEqual({ 'fastmesh/extras': { tried: 5 } })
  })

  test('promises in a list of content', async () => {
    const block = Promise.resolve({ type: 'text', text: 'late' })
    const server = new FastMCP(NAME)
      .addTool({ name: 'list', execute: () => ['early', block].slice(1) })
      .addTool({ name: 'whole', execute: () => ({ content: [block] }) })
    const client = await connect(server)
    for (const name of ['list', 'whole'])
      expect((await client.callTool({ name, arguments: {} })).content).toEqual([
        { type: 'text', text: 'late' },
      ])
  })
})

test('an empty cursor is no cursor of ours, before and after a list was asked for', async () => {
  const server = new FastMCP(NAME).addTool({ name: 'it', execute: () => '' })
  const ask = async () =>
    (await (await server.request('/mcp', Raw.init2026('tools/list', { cursor: '' }))).json()) as object
  expect(await ask()).toMatchObject({ error: { code: -32602 } })
  await server.request('/mcp', Raw.init2026('tools/list'))
  expect(await ask()).toMatchObject({ error: { code: -32602 } })
})

describe('what is hidden', () => {
  test('is not served by a template that is shown, and is by one shown by name', async () => {
    const server = new FastMCP(NAME).addResourceTemplate({
      uriTemplate: 'u://{n}',
      name: 'U',
      load: ({ n }) => n,
    })
    const client = await WAYS[0]!.connect(server)
    server.disable().enable({ names: ['u://{n}'] })
    expect((await client.readResource({ uri: 'u://1' })).contents).toHaveLength(1)
    server.disable({ names: ['u://2'] })
    await expect(client.readResource({ uri: 'u://2' })).rejects.toThrow(/not found/)
  })

  test('is missed where it replaces what was shown', async () => {
    const server = new FastMCP({ ...NAME, onDuplicate: 'replace' }).addTool({ name: 'it', execute: () => '' })
    const client = await WAYS[0]!.connect(server)
    expect((await client.listTools()).tools).toHaveLength(1)
    server.disable({ tags: ['hidden'] }).addTool({ name: 'it', tags: ['hidden'], execute: () => '' })
    expect((await client.listTools()).tools).toEqual([])
  })
})

test('a generator that yields what cannot be streamed cleans up', async () => {
  let cleaned = false
  const server = new FastMCP({ ...NAME, logger: silent }).addTool({
    name: 'it',
    execute: async function* () {
      try {
        yield (() => {}) as never
      } finally {
        cleaned = true
      }
    },
  })
  const result = await (await WAYS[0]!.connect(server)).callTool({ name: 'it', arguments: {} })
  expect([result.isError, cleaned]).toEqual([true, true])
})

test('listening needs a client that reads streams', async () => {
  const { headers, ...init } = Raw.init2026('subscriptions/listen', {
    notifications: { toolsListChanged: true },
  })
  const request = { ...init, headers: { ...headers, accept: 'application/json' } }
  expect((await new FastMCP(NAME).request('/mcp', request)).status).toBe(406)
})

test('options that cannot be meant are refused at once', () => {
  expect(() => new FastMCP({ ...NAME, listPageSize: 1.5 })).toThrow(/listPageSize/)
  expect(() => new FastMCP({ ...NAME, listPageSize: 0 })).toThrow(/listPageSize/)
  expect(() => new FastMCP({ ...NAME, toolTimeoutMs: -1 })).toThrow(/toolTimeoutMs/)
  expect(() => new FastMCP({ ...NAME, session: { max: 0 } })).toThrow(/session\.max/)
  expect(() => new FastMCP({ ...NAME, cache: { ttlMs: 0.5, scope: 'public' } })).toThrow(/ttlMs/)
  expect(() => new FastMCP({ name: '', version: '1' })).toThrow(/name/)
  expect(() => new FastMCP({ name: 'x', version: '' })).toThrow(/version/)
  expect(() => new FastMCP(NAME).addTool({ name: 'it', timeoutMs: 0, execute: () => '' })).toThrow(
    /timeoutMs/,
  )
})

test('a transport that fails to start leaves no session behind', async () => {
  const server = new FastMCP(NAME)
  const closed: string[] = []
  const transport = {
    start: () => Promise.reject(new Error('no wire')),
    send: () => Promise.resolve(),
    close: () => {
      closed.push('closed')
      return Promise.reject(new Error('never open'))
    },
  }
  const unhandled = await unhandledDuring(async () => {
    await expect(server.connect(transport)).rejects.toThrow('no wire')
    await server.stop()
  })
  expect([closed, unhandled]).toEqual([['closed'], []])
})
