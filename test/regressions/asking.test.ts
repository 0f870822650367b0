import { describe, expect, test } from 'vitest'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { onCleanup, WAYS } from '../support/clients.js'
import { NAME, rawTo } from '../support/echo-server.js'
import { INITIALIZE, META_2026, request } from '../support/messages.js'

/** What no handler of this process catches. */
function unhandled(): unknown[] {
  const heard: unknown[] = []
  const listener = (reason: unknown): void => void heard.push(reason)
  process.on('unhandledRejection', listener)
  onCleanup(() => process.off('unhandledRejection', listener))
  return heard
}

describe.each(WAYS)('for $name, two questions of which one is awaited first', ({ connect: connectThis }) => {
  test('are answered, and leave no rejection behind', async () => {
    const heard = unhandled()
    const server = new FastMCP(NAME).addTool({
      name: 'two',
      execute: async (_args, context) => {
        const schema = z.object({ n: z.number() })
        const [a, b] = [context.elicit({ message: 'A?', schema }), context.elicit({ message: 'B?', schema })]
        return `${(await a).action} ${(await b).action}`
      },
    })
    const answers = { elicit: () => ({ action: 'accept', content: { n: 1 } }) }
    const client = await connectThis(server, {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    expect(await client.callTool({ name: 'two', arguments: {} })).toMatchObject({
      content: [{ text: 'accept accept' }],
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
  })
})

test('an answer whose error is nonsense is one that refuses', async () => {
  const [clientSide, serverSide] = inMemoryTransports()
  const server = new FastMCP(NAME).addTool({
    name: 'roots',
    execute: async (_args, { listRoots }) => listRoots(),
  })
  await server.connect(serverSide)
  onCleanup(() => server.stop())
  const sent: { id?: unknown; method?: string; result?: unknown }[] = []
  const say = (message: object) => clientSide.send(message as never)
  clientSide.onmessage = (message) => {
    sent.push(message)
    if ((message as { method?: string }).method === 'roots/list')
      void say({
        jsonrpc: '2.0',
        id: (message as { id: number }).id,
        error: { code: 1, message: { toString: 1, valueOf: 1 } },
      })
  }
  await clientSide.start()
  await say(request(1, 'initialize', { ...INITIALIZE, capabilities: { roots: {} } }))
  await say({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await say(request(2, 'tools/call', { name: 'roots' }))
  await expect
    .poll(() => sent.find(({ id, method }) => id === 2 && method === undefined)?.result)
    .toMatchObject({ isError: true })
})

test('roots that changed are asked for again, also where they are not asked for beforehand', async () => {
  let roots = [{ uri: 'file:///a' }]
  const server = new FastMCP({ ...NAME, roots: { enabled: false } }).addTool({
    name: 'roots',
    execute: async (_args, { listRoots }) => JSON.stringify(await listRoots()),
  })
  const answers = { roots: () => roots }
  const client = await WAYS.find(({ wire }) => wire === 'memory')!.connect(server, {
    capabilities: capabilitiesFor(answers),
    prepare: (connecting) => answering(connecting, answers),
  })
  const ask = async () => (await client.callTool({ name: 'roots', arguments: {} })).content
  expect(await ask()).toMatchObject([{ text: '[{"uri":"file:///a"}]' }])
  roots = [{ uri: 'file:///b' }]
  await client.sendRootsListChanged()
  expect(await ask()).toMatchObject([{ text: '[{"uri":"file:///b"}]' }])
})

describe('a call that is put off', () => {
  test('remembers that a step gave nothing', async () => {
    const given: unknown[] = []
    const server = new FastMCP(NAME).addTool({
      name: 'steps',
      execute: async (_args, context) => {
        given.push(await context.once('nothing', () => undefined))
        await context.elicit({ message: 'Go on?', schema: z.object({}) })
      },
    })
    const answers = { elicit: () => ({ action: 'accept', content: {} }) }
    const client = await WAYS.find(({ era }) => era === '2026-07-28')!.connect(server, {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    await client.callTool({ name: 'steps', arguments: {} })
    expect(given).toEqual([undefined, undefined])
  })

  test('is not gone on with in other numbers than it began with', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'pay',
      execute: async ({ amount }, context) => {
        await context.elicit({ message: 'Pay?', schema: z.object({}) })
        return String(amount)
      },
    })
    const connection = await rawTo(server)
    const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }
    const call = (amount: unknown, more: object = {}) =>
      connection.ask2026('tools/call', { name: 'pay', arguments: { amount }, ...more }, capabilities)
    const { json } = await call(null)
    const { requestState, inputRequests } = (
      json as { result: { requestState: string; inputRequests: object } }
    ).result
    const [key] = Object.keys(inputRequests)
    const inputResponses = { [key!]: { action: 'accept', content: {} } }
    const raw = JSON.stringify(
      request(3, 'tools/call', {
        name: 'pay',
        arguments: { amount: 'HUGE' },
        requestState,
        inputResponses,
        _meta: { ...META_2026, ...capabilities },
      }),
    ).replace('"HUGE"', '1e999')
    const answer = await connection.ask(raw, {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'pay',
    })
    expect(answer.json).toMatchObject({ error: { code: -32602 } })
  })

  test('and called off as it comes back does not run', async () => {
    let runs = 0
    const server = new FastMCP(NAME).addTool({
      name: 'act',
      execute: async (_args, context) => {
        await context.elicit({ message: 'Act?', schema: z.object({}) })
        runs += 1
      },
    })
    const [clientSide, serverSide] = inMemoryTransports()
    await server.connect(serverSide)
    onCleanup(() => server.stop())
    const sent: { id?: unknown; result?: { requestState?: string; inputRequests?: object } }[] = []
    clientSide.onmessage = (message) => void sent.push(message)
    await clientSide.start()
    const _meta = { ...META_2026, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
    const call = (id: number, more: object) =>
      clientSide.send(request(id, 'tools/call', { name: 'act', _meta, ...more }) as never)
    await call(1, {})
    await expect.poll(() => sent.length).toBe(1)
    const { requestState, inputRequests = {} } = sent[0]!.result!
    const inputResponses = Object.fromEntries(
      Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: {} }]),
    )
    await call(2, { requestState, inputResponses })
    await clientSide.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 2, _meta },
    } as never)
    await call(3, { requestState, inputResponses })
    await expect.poll(() => sent.some(({ id }) => id === 3)).toBe(true)
    expect(runs).toBe(1)
  })
})

test.each([null, true, 5, 'yes'])(
  'a capability declared as %j is one that is not there',
  async (elicitation) => {
    const server = new FastMCP(NAME).addTool({
      name: 'asks',
      execute: async (_args, context) => context.elicit({ message: '?', schema: z.object({}) }),
    })
    const connection = await rawTo(server)
    const { json } = await connection.ask2026(
      'tools/call',
      { name: 'asks' },
      { 'io.modelcontextprotocol/clientCapabilities': { elicitation } },
    )
    expect(json).toMatchObject({ error: { code: expect.any(Number) } })
    expect([-32021, -32602]).toContain((json as { error: { code: number } }).error.code)
  },
)
