import { describe, expect, test } from 'vitest'
import { FastMCP, type Context } from 'fastmesh'
import { z } from 'zod'
import { ERAS, WAYS } from '../support/clients.js'

const NAME = { name: 'test', version: '1.0.0' }

describe.each(WAYS)('a handler called by $name', ({ connect, era, wire }) => {
  test('knows who asks', async () => {
    let seen: Context | undefined
    const server = new FastMCP(NAME).addTool({
      name: 'who',
      execute: (_args, context) => {
        seen = context
        expect(context.signal.aborted).toBe(false)
      },
    })
    const client = await connect(server, { capabilities: { roots: {} } })
    await client.callTool({ name: 'who', arguments: {} })
    expect(seen?.client).toMatchObject({
      name: 'test-client',
      version: '9.9.9',
      capabilities: { roots: {} },
      era,
    })
    expect(seen?.client.protocolVersion).toBe(era)
    expect(seen?.requestId).toBeDefined()
    expect(typeof seen?.sessionId).toBe(era === '2025-11-25' ? 'string' : 'undefined')
    if (wire === 'memory') expect(seen?.headers).toBeUndefined()
    else expect(seen?.headers).toMatchObject({ 'content-type': 'application/json' })
  })

  test('reports progress that rises, on the stream of its request', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'work',
      execute: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 1, total: 3, message: 'one' })
        await reportProgress({ progress: 1, total: 3, message: 'again' })
        await reportProgress({ progress: 0.5 })
        await reportProgress({ progress: 3 })
        return 'done'
      },
    })
    const client = await connect(server)
    const heard: object[] = []
    const result = await client.callTool(
      { name: 'work', arguments: {} },
      { onprogress: (it) => heard.push(it) },
    )
    expect(heard).toEqual([
      { progress: 1, total: 3, message: 'one' },
      { progress: 3, total: 3 },
    ])
    expect(result.content).toEqual([{ type: 'text', text: 'done' }])
  })

  test('streams, and has what it streamed as its result', async () => {
    const server = new FastMCP(NAME)
      .addTool({
        name: 'generate',
        execute: async function* () {
          yield 'Hel'
          yield 'lo'
          yield [{ type: 'text', text: 'block' }]
        },
      })
      .addTool({
        name: 'stream',
        execute: async (_args, { streamContent, reportProgress }) => {
          await streamContent('a')
          await reportProgress({ progress: 1 })
          await streamContent({ type: 'text', text: 'b' })
          return 'else'
        },
      })
    const client = await connect(server)
    const messages: unknown[] = []
    const progress: number[] = []
    const onprogress = (it: { progress: number; message?: string | undefined }) => {
      messages.push(it.message)
      progress.push(it.progress)
    }
    const generated = await client.callTool({ name: 'generate', arguments: {} }, { onprogress })
    expect(generated.content).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'text', text: 'block' },
    ])
    expect(messages).toEqual(['Hel', 'lo', 'block'])
    const streamed = await client.callTool({ name: 'stream', arguments: {} }, { onprogress })
    expect(streamed.content).toEqual([{ type: 'text', text: 'else' }])
    expect(messages.slice(3)).toEqual(['a', undefined, 'b'])
    expect(progress.slice(3)).toEqual([...progress.slice(3)].sort((a, b) => a - b))
    const quiet = await client.callTool({ name: 'generate', arguments: {} })
    expect(quiet.content).toEqual(generated.content)
  })

  test('uses its own server', async () => {
    const server = new FastMCP(NAME)
      .addTool({ name: 'inner', parameters: z.object({ n: z.number() }), execute: ({ n }) => n + 1 })
      .addResource({ uri: 'data://it', name: 'It', load: () => 'read' })
      .addPrompt({ name: 'ask', arguments: [{ name: 'what' }], load: ({ what }) => `ask ${what ?? ''}` })
      .addTool({
        name: 'outer',
        execute: async (_args, { callTool, readResource, getPrompt }) => {
          const called = await callTool('inner', { n: 1 })
          const read = await readResource('data://it')
          const got = await getPrompt('ask', { what: 'why' })
          const missing = await callTool('nothing').catch((error: Error) => error.message)
          const wrong = await callTool('inner', { n: 'x' }).catch((error: Error) => error.message)
          return { called, read, got, missing, wrong }
        },
      })
    const client = await connect(server)
    const result = await client.callTool({ name: 'outer', arguments: {} })
    expect(result.structuredContent).toMatchObject({
      called: { content: [{ type: 'text', text: '2' }] },
      read: { contents: [{ uri: 'data://it', text: 'read' }] },
      got: { messages: [{ role: 'user', content: { text: 'ask why' } }] },
      missing: 'Unknown tool: nothing',
      wrong: expect.stringContaining("Invalid arguments for tool 'inner'") as string,
    })
  })
})

describe('the log', () => {
  const server = () =>
    new FastMCP(NAME).addTool({
      name: 'log',
      execute: (_args, { log }) => {
        log.debug('details')
        log.info('news', { at: 1 })
        log.warn('careful')
        log.error('broken')
      },
    })
  const news = { level: 'info', data: { message: 'news', context: { at: 1 } } }

  test.each(WAYS.filter(({ era }) => era === '2025-11-25'))(
    'obeys the level of the session ($name)',
    async ({ connect }) => {
      const client = await connect(server())
      const heard: object[] = []
      client.fallbackNotificationHandler = async ({ method, params }) => {
        if (method === 'notifications/message') heard.push(params!)
      }
      await client.callTool({ name: 'log', arguments: {} })
      expect(heard).toEqual([
        news,
        { level: 'warning', data: { message: 'careful' } },
        { level: 'error', data: { message: 'broken' } },
      ])
      heard.length = 0
      await client.setLoggingLevel('error')
      await client.callTool({ name: 'log', arguments: {} })
      expect(heard).toEqual([{ level: 'error', data: { message: 'broken' } }])
      await expect(client.setLoggingLevel('loud' as never)).rejects.toThrow()
    },
  )

  test.each(['debug', 'warning', undefined] as const)(
    'obeys the level of the request, 2026 (%s)',
    async (level) => {
      const meta = level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level }
      const response = await post2026(server(), 'tools/call', { name: 'log', arguments: {} }, meta)
      const logged = [...(await response.text()).matchAll(/"level":"(\w+)"/g)].map(([, found]) => found)
      expect(logged).toEqual(
        { debug: ['debug', 'info', 'warning', 'error'], warning: ['warning', 'error'], none: [] }[
          level ?? 'none'
        ],
      )
    },
  )

  test('an unknown level is refused', async () => {
    const response = await post2026(
      server(),
      'tools/call',
      { name: 'log' },
      { 'io.modelcontextprotocol/logLevel': 'loud' },
    )
    expect(await response.json()).toMatchObject({ error: { code: -32602 } })
  })
})

test('streamed content goes to 2025 clients that asked for it, block by block', async () => {
  const server = new FastMCP(NAME).addTool({
    name: 'stream',
    execute: async (_args, { streamContent }) => {
      await streamContent('a')
      await streamContent({ type: 'image', data: 'AQID', mimeType: 'image/png' })
    },
  })
  const image = { type: 'image', data: 'AQID', mimeType: 'image/png' }
  for (const [way, expected] of [
    [WAYS[0]!, [[{ type: 'text', text: 'a' }], [image]]],
    [ERAS[1]!, []],
  ] as const) {
    const client = await way.connect(server, { capabilities: { experimental: { streamContent: {} } } })
    const heard: unknown[] = []
    client.fallbackNotificationHandler = async ({ method, params }) => {
      if (method === 'notifications/tool/streamContent') heard.push(params?.['content'])
    }
    const result = await client.callTool({ name: 'stream', arguments: {} })
    expect(result.content).toEqual([{ type: 'text', text: 'a' }, image])
    expect(heard).toEqual(expected)
  }
})

test('headers that carry secrets stay out of handlers', async () => {
  let headers: Context['headers']
  const server = new FastMCP(NAME).addTool({
    name: 'headers',
    execute: (_args, context) => {
      headers = context.headers
    },
  })
  await post2026(
    server,
    'tools/call',
    { name: 'headers' },
    {},
    {
      authorization: 'Bearer secret',
      cookie: 'a=secret',
      'x-api-key': 'secret',
      'x-trace': 'seen',
    },
  )
  expect(headers).toMatchObject({ 'x-trace': 'seen' })
  expect(JSON.stringify(headers)).not.toContain('secret')
})

test("progress that is no number is the handler's error", async () => {
  const logged: unknown[] = []
  const logger = {
    debug() {},
    info() {},
    warn() {},
    error: (...message: unknown[]) => logged.push(...message),
  }
  const server = new FastMCP({ ...NAME, logger }).addTool({
    name: 'nan',
    execute: (_args, { reportProgress }) => reportProgress({ progress: NaN }),
  })
  const result = await (await ERAS[0]!.connect(server)).callTool({ name: 'nan', arguments: {} })
  expect(result.isError).toBe(true)
  expect(String(logged)).toContain('progress must be a number')
})

function post2026(
  server: FastMCP,
  method: string,
  params: { name?: string; arguments?: object },
  meta: object,
  headers: object = {},
) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    ...meta,
  }
  return server.request('/mcp', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': params.name ?? '',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  })
}
