import { describe, expect, test } from 'vitest'
import { embedded, FastMCP, ResourceNotFoundError, resourceLink, UserError } from 'fastmesh'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { WAYS } from '../support/clients.js'
import { recordingLogger } from '../support/recording.js'

const make = (name: string, options: object = {}) => new FastMCP({ name, version: '1.0.0', ...options })
const execute = () => ''
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text
const load = () => ''

/** A server with something of everything, and everything that names a resource. */
function weather(): FastMCP {
  const server = make('weather')
  server.addTool({
    name: 'get_forecast',
    description: 'Forecast',
    parameters: z.object({ city: z.string() }),
    meta: { ui: { resourceUri: 'ui://map', border: true } },
    execute: ({ city }) => `Sunny in ${city}`,
  })
  server.addTool({
    name: 'links',
    execute: () => [
      resourceLink({ uri: 'data://cities/supported', name: 'Cities' }),
      embedded({ uri: 'urn:isbn:1', text: 'A book' }),
      resourceLink({ uri: 'https://example.com/page', name: 'A page of the web' }),
      resourceLink({ uri: 'https://example.com/own', name: 'A page of our own' }),
    ],
  })
  server.addResource({ uri: 'data://cities/supported', name: 'Cities', load: () => ['London', 'Paris'] })
  server.addResource({ uri: 'urn:isbn:1', name: 'Book', load: () => 'A book' })
  server.addResource({ uri: 'https://example.com/own', name: 'Own', load: () => 'Own page' })
  server.addResourceTemplate({
    uriTemplate: 'search://cities{?q,limit}',
    name: 'Search',
    arguments: [{ name: 'q', complete: (value) => [`${value}ondon`] }],
    load: ({ q, limit }) => [{ text: `${q} ${limit}` }, { uri: 'data://cities/supported', text: 'another' }],
  })
  server.addPrompt({
    name: 'ask',
    arguments: [{ name: 'city', complete: (value) => [`${value}aris`] }],
    load: ({ city }) => [
      { role: 'user', content: `Weather in ${city}?` },
      { role: 'user', content: resourceLink({ uri: 'data://cities/supported', name: 'Cities' }) },
    ],
  })
  return server
}

const HOW = [
  { how: 'mounted', options: {} },
  { how: 'mounted as a proxy', options: { asProxy: true } },
]
const CASES = HOW.flatMap((how) => WAYS.map((way) => ({ ...how, ...way })))

describe.each(CASES)('for $name, what is $how', ({ connect, options }) => {
  test('goes by the names and URIs of its prefix, both ways', async () => {
    const client = await connect(make('main').mount('weather', weather(), options))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['weather_get_forecast', 'weather_links'])
    expect(tools[0]?._meta).toMatchObject({ ui: { resourceUri: 'ui://weather/map', border: true } })
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual([
      'data://weather/cities/supported',
      'weather+urn:isbn:1',
      'https://weather/example.com/own',
    ])
    expect(resources.map(({ name }) => name)).toEqual(['Cities', 'Book', 'Own'])
    for (const { uri } of resources)
      expect((await client.readResource({ uri })).contents).toMatchObject([{ uri }])
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'search://weather/cities{?q,limit}',
    ])
    expect(
      await client.callTool({ name: 'weather_get_forecast', arguments: { city: 'Paris' } }),
    ).toMatchObject({
      content: [{ type: 'text', text: 'Sunny in Paris' }],
    })
    for (const name of ['get_forecast', 'weather_', 'weather_weather_get_forecast'])
      await expect(client.callTool({ name, arguments: {} })).rejects.toMatchObject({ code: -32602 })
    for (const uri of ['data://cities/supported', 'urn:isbn:1', 'data://weather', 'weather+data://cities'])
      await expect(client.readResource({ uri })).rejects.toThrow(`Resource not found: ${uri}`)
  })

  test('answers with URIs that the client can read', async () => {
    const client = await connect(make('main').mount('weather', weather(), options))
    const { content } = await client.callTool({ name: 'weather_links', arguments: {} })
    expect(content).toMatchObject([
      { uri: 'data://weather/cities/supported' },
      { resource: { uri: 'weather+urn:isbn:1' } },
      { uri: 'https://example.com/page' },
      { uri: 'https://weather/example.com/own' },
    ])
    const uri = 'search://weather/cities?q=Lon&limit=3'
    expect((await client.readResource({ uri })).contents).toMatchObject([
      { uri, text: 'Lon 3' },
      { uri: 'data://weather/cities/supported', text: 'another' },
    ])
    const { messages } = await client.getPrompt({ name: 'weather_ask', arguments: { city: 'Rome' } })
    expect(messages).toMatchObject([
      { content: { text: 'Weather in Rome?' } },
      { content: { uri: 'data://weather/cities/supported' } },
    ])
  })

  test('is completed by prompt and by template', async () => {
    const client = await connect(
      make('main').mount('a', make('inner').mount('b', weather(), options), options),
    )
    const ofPrompt = await client.complete({
      ref: { type: 'ref/prompt', name: 'a_b_ask' },
      argument: { name: 'city', value: 'P' },
    })
    expect(ofPrompt.completion.values).toEqual(['Paris'])
    const ofTemplate = await client.complete({
      ref: { type: 'ref/resource', uri: 'search://a/b/cities{?q,limit}' },
      argument: { name: 'q', value: 'L' },
    })
    expect(ofTemplate.completion.values).toEqual(['London'])
  })

  test('nests to any depth, and may be there several times', async () => {
    const leaf = weather()
    const main = make('main')
      .mount('outer', make('mid').mount('inner', leaf, options), options)
      .mount('other', leaf, options)
    const client = await connect(main)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'outer_inner_get_forecast',
      'outer_inner_links',
      'other_get_forecast',
      'other_links',
    ])
    const { content } = await client.callTool({ name: 'outer_inner_links', arguments: {} })
    expect(content).toMatchObject([
      { uri: 'data://outer/inner/cities/supported' },
      { resource: { uri: 'outer+inner+urn:isbn:1' } },
      {},
      { uri: 'https://outer/inner/example.com/own' },
    ])
    for (const uri of [
      'data://outer/inner/cities/supported',
      'outer+inner+urn:isbn:1',
      'data://other/cities/supported',
    ])
      expect((await client.readResource({ uri })).contents).toMatchObject([{ uri }])
  })

  test('asks the client in its own words', async () => {
    const child = make('child')
    child.addTool({
      name: 'delete',
      execute: async (_args, context) => {
        const counted = await context.once('count', () => 1)
        const answer = await context.elicit({ message: 'Sure?', schema: z.object({ sure: z.boolean() }) })
        return `${counted} ${answer.action}`
      },
    })
    const answers = { elicit: () => ({ action: 'accept', content: { sure: true } }) }
    const client = await connect(make('main').mount('a', make('mid').mount('b', child, options), options), {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    const { content } = await client.callTool({ name: 'a_b_delete', arguments: {} })
    expect(content).toMatchObject([{ text: '1 accept' }])
  })

  test('is cancelled with its caller, and reports its progress', async () => {
    const child = make('child')
    let hearEnd: (reason: unknown) => void = () => {}
    const ended = new Promise((resolve) => (hearEnd = resolve))
    child.addTool({
      name: 'wait',
      execute: async (_args, { reportProgress, signal }) => {
        await reportProgress({ progress: 1, total: 2 })
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        hearEnd(signal.reason)
      },
    })
    const client = await connect(make('main').mount('a', make('mid').mount('b', child, options), options))
    const controller = new AbortController()
    const heard: object[] = []
    const call = client.callTool(
      { name: 'a_b_wait', arguments: {} },
      {
        signal: controller.signal,
        onprogress: (progress) => {
          heard.push(progress)
          controller.abort('enough')
        },
      },
    )
    await expect(call).rejects.toThrow()
    await ended
    expect(heard).toMatchObject([{ progress: 1, total: 2 }])
  })
})

describe('within a mounted server', () => {
  test('a handler speaks its own names', async () => {
    const child = weather()
    child.addTool({
      name: 'both',
      execute: async (_args, { callTool, readResource, getPrompt, notifyResourceUpdated }) => {
        notifyResourceUpdated('data://cities/supported')
        const results = [
          await callTool('get_forecast', { city: 'Oslo' }),
          await readResource('data://cities/supported'),
          await getPrompt('ask', { city: 'Oslo' }),
        ]
        return JSON.stringify(results)
      },
    })
    const main = make('main').mount('w', child)
    const [way] = WAYS
    const client = await way!.connect(main)
    const results = JSON.parse(textOf(await client.callTool({ name: 'w_both', arguments: {} }))) as object[]
    expect(results).toMatchObject([
      { content: [{ text: 'Sunny in Oslo' }] },
      { contents: [{ uri: 'data://cities/supported' }] },
      { messages: [{}, { content: { uri: 'data://cities/supported' } }] },
    ])
  })

  test('what a completion knows of the other arguments is there too', async () => {
    const child = make('child').addPrompt({
      name: 'p',
      arguments: [
        { name: 'land' },
        { name: 'city', complete: (value, context) => [`${value} in ${context.arguments['land']}`] },
      ],
      load,
    })
    const client = await WAYS[0]!.connect(make('main').mount('c', child))
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'c_p' },
      argument: { name: 'city', value: 'x' },
      context: { arguments: { land: 'Italy' } },
    })
    expect(completion.values).toEqual(['x in Italy'])
  })

  test('errors are masked by the outermost server, logged there, and name what the client asked for', async () => {
    const inner = recordingLogger()
    const outer = recordingLogger()
    const child = make('child', { maskErrorDetails: false, logger: inner.logger, toolTimeoutMs: 1 })
    child.addTool({
      name: 'fails',
      execute: () => {
        throw new Error('secret')
      },
    })
    child.addTool({
      name: 'tells',
      execute: () => {
        throw new UserError('told', { why: 'because' })
      },
    })
    child.addTool({
      name: 'slow',
      execute: (_args, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    child.addTool({ name: 'strict', parameters: z.object({ n: z.number() }), execute })
    child.addTool({ name: 'reads', execute: (_args, { readResource }) => readResource('data://nothing') })
    child.addResource({ uri: 'data://gone', name: 'gone', load: () => undefined })
    child.addResource({
      uri: 'data://moved',
      name: 'moved',
      load: () => {
        throw new ResourceNotFoundError('data://elsewhere')
      },
    })
    const client = await WAYS[0]!.connect(make('main', { logger: outer.logger }).mount('c', child))
    const told = async (name: string) => textOf(await client.callTool({ name, arguments: {} }))
    expect(await told('c_fails')).toBe("Error calling tool 'c_fails'")
    expect(await told('c_tells')).toBe('told')
    expect(await told('c_slow')).toBe("Tool 'c_slow' timed out after 1 ms")
    expect(await told('c_strict')).toMatch(/^Invalid arguments for tool 'c_strict': n: /)
    await expect(client.callTool({ name: 'c_reads', arguments: {} })).rejects.toThrow('data://c/nothing')
    await expect(client.readResource({ uri: 'data://c/gone' })).rejects.toThrow('data://c/gone')
    await expect(client.readResource({ uri: 'data://c/moved' })).rejects.toThrow('data://c/elsewhere')
    expect(outer.lines.join('\n')).toContain("Error calling tool 'c_fails'")
    expect(inner.lines).toEqual([])
  })

  test('streamed content names resources as the client can read them', async () => {
    const child = make('child')
    child.addTool({
      name: 'stream',
      execute: async (_args, { streamContent }) => {
        await streamContent([resourceLink({ uri: 'data://x', name: 'x' })])
        await streamContent('text')
      },
    })
    const heard: unknown[] = []
    const client = await WAYS.find(({ era, wire }) => era === '2025-11-25' && wire === 'memory')!.connect(
      make('main').mount('c', child),
      {
        capabilities: { experimental: { streamContent: {} } },
        prepare: (connecting) =>
          (connecting.fallbackNotificationHandler = async ({ params }) => {
            heard.push(params)
          }),
      },
    )
    const { content } = await client.callTool({ name: 'c_stream', arguments: {} })
    expect(content).toMatchObject([{ uri: 'data://c/x' }, { text: 'text' }])
    expect(heard).toMatchObject([
      { content: [{ uri: 'data://c/x' }], toolName: 'c_stream' },
      { content: [{ text: 'text' }] },
    ])
  })

  test('the log obeys the level of the outermost session', async () => {
    const child = make('child').addTool({
      name: 'logs',
      execute: (_args, { log }) => {
        log.info('quiet')
        log.error('loud')
      },
    })
    const heard: unknown[] = []
    const client = await WAYS.find(({ era, wire }) => era === '2025-11-25' && wire === 'memory')!.connect(
      make('main').mount('c', child),
      {
        prepare: (connecting) =>
          (connecting.fallbackNotificationHandler = async ({ params }) => {
            heard.push(params)
          }),
      },
    )
    await client.setLoggingLevel('error')
    await client.callTool({ name: 'c_logs', arguments: {} })
    expect(heard).toMatchObject([{ level: 'error', data: { message: 'loud' } }])
  })
})
