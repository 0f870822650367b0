import { describe, expect, test } from 'vitest'
import { embedded, FastMCP, ResourceNotFoundError, resourceLink, UserError } from 'fastmesh'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { onCleanup, WAYS } from '../support/clients.js'
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

describe.each(WAYS)('for $name, what is mounted', ({ connect }) => {
  test('goes by the names and URIs of its prefix, both ways', async () => {
    const client = await connect(make('main').mount('weather', weather()))
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
    const client = await connect(make('main').mount('weather', weather()))
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
    const client = await connect(make('main').mount('a', make('inner').mount('b', weather())))
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
    const main = make('main').mount('outer', make('mid').mount('inner', leaf)).mount('other', leaf)
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
    const client = await connect(make('main').mount('a', make('mid').mount('b', child)), {
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
    const client = await connect(make('main').mount('a', make('mid').mount('b', child)))
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

describe('a clash', () => {
  const tool = (name: string, text: string) => ({ name, execute: () => text })

  test('that can be seen at once is refused, and nothing of it stays', () => {
    const main = make('main').addTool(tool('a_x', 'own'))
    const child = make('child').addTool(tool('y', '')).addTool(tool('x', 'child'))
    expect(() => main.mount('a', child)).toThrow("There is already a tool 'a_x'")
    main.removeTool('a_x')
    main.mount('a', child)
    expect(() => main.addTool(tool('a_x', 'late'))).toThrow("There is already a tool 'a_x'")
    expect(() => main.mount('a', child)).toThrow("There is already a tool 'a_y'")
    expect(() => main.mount(make('same').addResource({ uri: 'data://a/r', name: 'r', load }))).not.toThrow()
    expect(() => main.mount('a', make('again').addResource({ uri: 'data://r', name: 'r', load }))).toThrow(
      "There is already a resource 'data://a/r'",
    )
  })

  test('that comes later hides what came later, and is warned of once', async () => {
    const { logger, lines } = recordingLogger()
    const main = make('main', { logger })
    const [first, second] = [make('first'), make('second')]
    main.mount('a', first).mount('a', second)
    second.addTool(tool('x', 'second'))
    const client = await WAYS[0]!.connect(main)
    const call = async () => textOf(await client.callTool({ name: 'a_x', arguments: {} }))
    expect(await call()).toBe('second')
    first.addTool(tool('x', 'first'))
    expect(await call()).toBe('first')
    for (let times = 0; times < 2; times += 1) expect((await client.listTools()).tools).toHaveLength(1)
    second.addTool(tool('y', ''))
    await client.listTools()
    expect(lines.filter((line) => line.includes("several tools 'a_x'"))).toHaveLength(1)
    first.disable({ names: ['x'] })
    expect(await call()).toBe('second')
  })

  test('is no fault where duplicates are not: own ones come first, then the earlier mount', async () => {
    const { logger, lines } = recordingLogger()
    const main = make('main', { onDuplicate: 'replace', logger })
    main.mount(make('first').addTool(tool('x', 'first')).addTool(tool('y', 'first')))
    main.mount(make('second').addTool(tool('x', 'second')).addTool(tool('z', 'second')))
    main.addTool(tool('x', 'own'))
    const client = await WAYS[0]!.connect(main)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['x', 'y', 'z'])
    const { content } = await client.callTool({ name: 'x', arguments: {} })
    expect(content).toMatchObject([{ text: 'own' }])
    expect(lines.join()).toContain("several tools 'x'")
  })

  test('of a prefix with another is none: both are looked through', async () => {
    const main = make('main')
      .mount('weather', make('one').addTool(tool('x', 'one')))
      .mount('weather_eu', make('two').addTool(tool('x', 'two')))
    const client = await WAYS[0]!.connect(main)
    const { content } = await client.callTool({ name: 'weather_eu_x', arguments: {} })
    expect(content).toMatchObject([{ text: 'two' }])
  })

  test('of a template with a resource that is listed elsewhere is settled for what is listed', async () => {
    const main = make('main').addResourceTemplate({
      uriTemplate: 'data://{id}',
      name: 'any',
      load: () => 'given',
    })
    main.mount(make('child').addResource({ uri: 'data://it', name: 'it', load: () => 'listed' }))
    const client = await WAYS[0]!.connect(main)
    expect((await client.readResource({ uri: 'data://it' })).contents).toMatchObject([{ text: 'listed' }])
    expect((await client.readResource({ uri: 'data://other' })).contents).toMatchObject([{ text: 'given' }])
  })
})

describe('a mount is refused', () => {
  test('that would close a cycle, however long', () => {
    const [a, b, c] = [make('a'), make('b'), make('c')]
    a.mount('b', b)
    b.mount(c)
    expect(() => a.mount(a)).toThrow("'a' cannot take in 'a'")
    expect(() => c.mount('a', a)).toThrow("'c' cannot take in 'a'")
    b.unmount(c)
    c.mount('a', a)
  })

  test('with a prefix that names or URIs cannot have', () => {
    for (const prefix of ['', 'a b', 'a/b', '..', '.', 'é', 'x'.repeat(65), 7 as unknown as string])
      expect(() => make('main').mount(prefix, make('child'))).toThrow('must be 1 to 64 characters')
    expect(() => make('main').mount('a', {} as FastMCP)).toThrow('Only a FastMCP')
    expect(() => make('main').mount(undefined as unknown as FastMCP)).toThrow('Only a FastMCP')
  })

  test('where a name would grow too long; one that comes later is left out, and warned of with both names', async () => {
    const long = 'x'.repeat(125)
    const { logger, lines } = recordingLogger()
    const main = make('main', { logger })
    const child = make('child').addTool({ name: long, execute })
    const problem = `The tool '${long}' cannot be mounted as 'abc_${long}'`
    expect(() => main.mount('abc', child)).toThrow(problem)
    expect(main.unmount('abc')).toBe(false)
    child.removeTool(long)
    main.mount('abc', child)
    child.addTool({ name: long, execute }).addTool({ name: 'ok', execute })
    const client = await WAYS[0]!.connect(main)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['abc_ok'])
    await expect(client.callTool({ name: `abc_${long}`, arguments: {} })).rejects.toMatchObject({
      code: -32602,
    })
    expect(lines.filter((line) => line.includes(problem))).toHaveLength(1)
  })
})

test('what a mount needs is open for as long as anybody uses it, once', async () => {
  const story: string[] = []
  const living = (name: string) =>
    make(name, {
      lifespan: () => {
        story.push(`open ${name}`)
        return { [Symbol.asyncDispose]: async () => void story.push(`close ${name}`) }
      },
    })
  const [main, other, shared] = [living('main'), living('other'), living('shared')]
  shared.addTool({ name: 'x', execute: () => 'done' })
  main.mount('a', shared).mount('b', shared)
  await main.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  onCleanup(() => main.stop())
  expect(story).toEqual(['open main', 'open shared'])
  expect(main.status().mounts).toMatchObject([
    { name: 'shared', prefix: 'a', state: 'running', mounts: [] },
    { name: 'shared', prefix: 'b', state: 'running' },
  ])
  const client = await WAYS.find(({ wire }) => wire === 'memory')!.connect(other)
  other.mount(shared)
  await client.callTool({ name: 'x', arguments: {} })
  expect(story).toEqual(['open main', 'open shared', 'open other'])
  await main.stop()
  expect(story.slice(3)).toEqual(['close main'])
  await other.stop()
  expect(story.slice(4)).toEqual(['close shared', 'close other'])
})

test('what was unmounted is closed when its last call is over', async () => {
  const story: string[] = []
  let finish: () => void = () => {}
  const child = make('child', {
    lifespan: () => ({ [Symbol.asyncDispose]: async () => void story.push('closed') }),
  })
  let begun: () => void = () => {}
  const running = new Promise<void>((resolve) => (begun = resolve))
  child.addTool({
    name: 'slow',
    execute: async () => {
      begun()
      await new Promise<void>((resolve) => (finish = resolve))
      story.push('finished')
    },
  })
  const main = make('main').mount('c', child)
  const client = await WAYS[0]!.connect(main)
  const call = client.callTool({ name: 'c_slow', arguments: {} })
  await running
  expect(main.unmount('c')).toBe(true)
  expect(main.unmount('c')).toBe(false)
  await expect(client.callTool({ name: 'c_slow', arguments: {} })).rejects.toMatchObject({ code: -32602 })
  expect(story).toEqual([])
  finish()
  await call
  await main.stop()
  expect(story).toEqual(['finished', 'closed'])
})

test('a mount that cannot open harms no other, and is tried again when it is called', async () => {
  const { logger } = recordingLogger()
  let isBroken = true
  const child = make('child', {
    logger,
    lifespan: () => {
      if (isBroken) throw new Error('no database')
    },
  }).addTool({ name: 'x', execute: () => 'works' })
  const main = make('main', { logger }).addTool({ name: 'own', execute: () => 'own' })
  const client = await WAYS[0]!.connect(main)
  main.mount('c', child)
  const call = async (name: string) => client.callTool({ name, arguments: {} })
  expect(await call('c_x')).toMatchObject({ isError: true })
  expect(await call('own')).toMatchObject({ content: [{ text: 'own' }] })
  expect(main.status().mounts).toMatchObject([{ state: 'idle', lastError: 'The lifespan failed' }])
  isBroken = false
  expect(await call('c_x')).toMatchObject({ content: [{ text: 'works' }] })
  expect(main.status().mounts).toMatchObject([{ state: 'running', lastError: undefined }])
})
