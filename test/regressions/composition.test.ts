import { describe, expect, test } from 'vitest'
import { FastMCP, ResourceError, type Provider, type RunResult } from 'fastmesh'
import { cache, limitSize, retry } from 'fastmesh/middleware'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { onCleanup, serve, WAYS, type OfficialClient } from '../support/clients.js'
import { recordingLogger } from '../support/recording.js'

const make = (name: string, options: object = {}) => new FastMCP({ name, version: '1.0.0', ...options })
const inMemory2025 = WAYS.find(({ era, wire }) => era === '2025-11-25' && wire === 'memory')!
const connect = inMemory2025.connect
const call = (client: OfficialClient, name: string, args: object = {}) =>
  client.callTool({ name, arguments: { ...args } })
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text

describe('a lifespan', () => {
  /** A server that writes down when it is opened and closed, and waits where it is told to. */
  function living(
    name: string,
    story: string[],
    waits: { open?: Promise<void>; close?: Promise<void> } = {},
  ) {
    return make(name, {
      lifespan: async () => {
        story.push(`open ${name}`)
        await waits.open
        return {
          [Symbol.asyncDispose]: async () => {
            story.push(`close ${name}`)
            await waits.close
          },
        }
      },
    }).addTool({ name: 'it', execute: () => 'ok' })
  }

  test('is released once, though it is unmounted while the parent stops', async () => {
    const story: string[] = []
    let closed: () => void = () => {}
    const a = living('a', story)
    const b = living('b', story, { close: new Promise((resolve) => (closed = resolve)) })
    const main = make('main').mount('a', a).mount('b', b)
    await serve(main)
    const stopping = main.stop()
    await expect.poll(() => story).toContain('close b')
    main.unmount('a')
    closed()
    await stopping
    story.length = 0
    await serve(a)
    expect(story).toEqual(['open a'])
  })

  test('is closed again, though it was unmounted while it opened', async () => {
    const story: string[] = []
    let opened: () => void = () => {}
    const a = living('a', story, { open: new Promise((resolve) => (opened = resolve)) })
    const main = make('main').mount('a', a)
    const starting = serve(main)
    await expect.poll(() => story).toEqual(['open a'])
    main.unmount('a')
    opened()
    await starting
    expect(story).toEqual(['open a', 'close a'])
  })

  test('of another mount is not touched by a retry after an unmount', async () => {
    const { logger } = recordingLogger()
    const story: string[] = []
    const child = living('child', story)
    const main = make('main', { logger })
    let runs = 0
    child.addTool({
      name: 'fails',
      annotations: { readOnlyHint: true },
      execute: () => {
        runs += 1
        if (runs === 1) main.unmount('a')
        throw new Error('no')
      },
    })
    main
      .use(retry({ delayMs: 1 }))
      .mount('a', child)
      .mount('b', child)
    const client = await connect(main)
    expect(textOf(await call(client, 'a_fails'))).toBe("Error calling tool 'a_fails'")
    expect(runs).toBe(1)
    expect(textOf(await call(client, 'b_it'))).toBe('ok')
    expect(story).toEqual(['open child'])
  })
})

test('a cycle that closes while a copy is made is refused', async () => {
  const [main, child] = [make('main'), make('child')]
  const copying = main.importServer('c', child)
  child.mount('m', main)
  await expect(copying).rejects.toThrow('cannot take in')
})

test('a copy takes all or nothing, also where what is in the way is hidden', async () => {
  const main = make('main')
    .addPrompt({ name: 'p', load: () => '' })
    .disable({ names: ['p'] })
  const child = make('child')
    .addTool({ name: 't', execute: () => '' })
    .addPrompt({ name: 'p', load: () => '' })
  await expect(main.importServer(child)).rejects.toThrow("There is already a prompt 'p'")
  expect(main.removeTool('t')).toBe(false)
})

describe('a definition that is no JSON', () => {
  test('is refused as a transform, and left out of a list', async () => {
    const { logger, lines } = recordingLogger()
    const main = make('main', { logger }).addTool({
      name: 'own',
      parameters: z.object({ n: z.number() }),
      execute: () => '',
    })
    expect(() => main.transform({ tools: { own: { meta: { n: 1n } } } })).toThrow('is not JSON')
    expect(() => main.transform({ tools: { own: { arguments: { n: { default: 1n } } } } })).toThrow(
      'is not JSON',
    )
    const component = { kind: 'tool', definition: { name: 'big', inputSchema: { type: 'object', n: 1n } } }
    const provider = {
      list: (kind: string) => (kind === 'tool' ? [component] : []),
      find: () => undefined,
      subscribe: () => () => {},
    }
    main.addProvider(provider as unknown as Provider)
    const client = await connect(main)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['own'])
    expect(lines.join()).toContain("The definition of tool 'big' is not JSON")
  })
})

test('a provider that gives nonsense, or fails, harms nobody else', async () => {
  const { logger } = recordingLogger()
  const main = make('main', { logger }).addTool({
    name: 'own',
    execute: () => [{ type: 'resource_link', uri: 'https://example.com', name: 'page' }],
  })
  const failing: Provider = {
    list: () => undefined as never,
    find: () => {
      throw new Error('db down')
    },
    subscribe: () => () => {},
  }
  main.addProvider(failing)
  main.addTool({ name: 'later', execute: () => 'ok' })
  const outer = make('outer', { logger }).mount('m', main)
  const client = await connect(outer)
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['m_own', 'm_later'])
  expect((await call(client, 'm_own')).content).toMatchObject([{ uri: 'https://example.com' }])
  expect(textOf(await call(client, 'm_later'))).toBe('ok')
})

describe('a transform', () => {
  test('gives each run a default of its own, and null where that is fixed', async () => {
    const main = make('main').addTool({
      name: 't',
      parameters: z.object({ list: z.array(z.number()), none: z.null() }),
      execute: ({ list, none }) => {
        list.push(1)
        return JSON.stringify([list, none])
      },
    })
    const raw = make('raw').addTool({
      name: 't',
      parameters: { type: 'object', properties: { list: { type: 'array' } } },
      execute: ({ list }) => {
        ;(list as number[]).push(1)
        return JSON.stringify(list)
      },
    })
    main.transform({ tools: { t: { arguments: { list: { default: [] }, none: { value: null } } } } })
    raw.transform({ tools: { t: { arguments: { list: { default: [] } } } } })
    const [client, other] = [await connect(main), await connect(raw)]
    expect(textOf(await call(client, 't'))).toBe('[[1],null]')
    for (let time = 0; time < 2; time += 1) expect(textOf(await call(other, 't'))).toBe('[1]')
    expect((await other.listTools()).tools[0]?.inputSchema.properties).toMatchObject({
      list: { default: [] },
    })
  })

  test('that gives two the same name is refused, where duplicates are', () => {
    const main = make('main')
      .addTool({ name: 'a', execute: () => '' })
      .addTool({ name: 'b', execute: () => '' })
    expect(() => main.transform({ tools: { a: { name: 'b' } } })).toThrow("A transform would give 'b' twice")
  })
})

describe('ready-made middleware', () => {
  test('cache gives each a result of its own, and keeps what templates give', async () => {
    let loads = 0
    const main = make('main')
      .addTool({ name: 't', annotations: { readOnlyHint: true }, execute: () => 'result' })
      .addResourceTemplate({ uriTemplate: 'data://{id}', name: 'd', load: () => String((loads += 1)) })
    main.use('tool', async (_run, next) => {
      const result = await next()
      if ('content' in result) result.content.push({ type: 'text', text: 'footer' })
      return result
    })
    main.use(cache())
    const client = await connect(main)
    for (let time = 0; time < 3; time += 1) expect((await call(client, 't')).content).toHaveLength(2)
    for (let time = 0; time < 2; time += 1) await client.readResource({ uri: 'data://7' })
    expect(loads).toBe(1)
  })

  test('retry does not repeat what is meant for the client, limitSize does not give more than it may', async () => {
    let runs = 0
    const main = make('main')
      .addResource({
        uri: 'data://r',
        name: 'r',
        load: () => {
          runs += 1
          throw new ResourceError('not today')
        },
      })
      .addTool({ name: 't', execute: () => 'x'.repeat(100) })
    main.use(retry({ delayMs: 1 })).use(limitSize({ maxBytes: 40, cutText: true }))
    const client = await connect(main)
    await expect(client.readResource({ uri: 'data://r' })).rejects.toThrow('not today')
    expect(runs).toBe(1)
    expect(textOf(await call(client, 't'))).toMatch(/of at most 40$/)
  })

  test('a middleware that does not wait for the run leaves no rejection behind', async () => {
    const heard: unknown[] = []
    const listener = (reason: unknown): void => void heard.push(reason)
    process.on('unhandledRejection', listener)
    onCleanup(() => process.off('unhandledRejection', listener))
    const main = make('main').addTool({
      name: 't',
      execute: () => {
        throw new Error('unheard')
      },
    })
    main.use('tool', (_run, next): RunResult<'tool'> => {
      void next()
      return { content: [] }
    })
    await call(await connect(main), 't')
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
  })
})

describe('mounted as a proxy, within another mount', () => {
  test('a server keeps its session', async () => {
    const child = make('child').addTool({
      name: 'count',
      execute: (_args, { state }) => {
        const count = Number(state.get('count') ?? 0) + 1
        state.set('count', count)
        return String(count)
      },
    })
    const main = make('main').mount('c', child, { asProxy: true })
    const client = await connect(make('outer').mount('m', main))
    expect([await call(client, 'm_c_count'), await call(client, 'm_c_count')].map(textOf)).toEqual(['1', '2'])
    expect(child.sessions).toHaveLength(1)
  })

  test('it hears of roots that change, and may ask outside of calls', async () => {
    let roots = [{ uri: 'file:///a' }]
    const child = make('child').addTool({ name: 'it', execute: () => '' })
    const heard: unknown[] = []
    child.on('connect', ({ session }) => session.on('rootsChanged', (event) => heard.push(event.roots)))
    const answers = {
      roots: () => roots,
      sample: () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } }),
    }
    const client = await connect(make('main').mount('c', child, { asProxy: true }), {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    await call(client, 'c_it')
    await expect.poll(() => child.sessions[0]?.roots).toEqual([{ uri: 'file:///a' }])
    roots = [{ uri: 'file:///b' }]
    await client.sendRootsListChanged()
    await expect.poll(() => heard).toEqual([[{ uri: 'file:///b' }]])
    const { content } = await child.sessions[0]!.sample({ messages: [], maxTokens: 1 })
    expect(content).toMatchObject({ text: 'sampled' })
  })

  test('it streams to clients that take it, named as outside', async () => {
    const child = make('child').addTool({
      name: 'stream',
      execute: async (_args, { streamContent }) => {
        await streamContent('text')
        await streamContent([{ type: 'resource_link', uri: 'data://x', name: 'x' }])
      },
    })
    const heard: unknown[] = []
    const client = await connect(make('main').mount('c', child, { asProxy: true }), {
      capabilities: { experimental: { streamContent: {} } },
      prepare: (connecting) =>
        (connecting.fallbackNotificationHandler = async ({ params }) => {
          heard.push(params)
        }),
    })
    await call(client, 'c_stream')
    expect(heard).toMatchObject([
      { toolName: 'c_stream', content: [{ text: 'text' }] },
      { toolName: 'c_stream', content: [{ uri: 'data://c/x' }] },
    ])
  })
})
