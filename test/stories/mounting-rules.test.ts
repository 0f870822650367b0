import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { onCleanup, WAYS } from '../support/clients.js'
import { recordingLogger } from '../support/recording.js'

const make = (name: string, options: object = {}) => new FastMCP({ name, version: '1.0.0', ...options })
const execute = () => ''
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text
const load = () => ''

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
    expect(() => make('main').mount('a', undefined as unknown as FastMCP)).toThrow('Only a FastMCP')
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
