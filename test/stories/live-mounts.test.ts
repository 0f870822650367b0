import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { WAYS, type OfficialClient } from '../support/clients.js'

const make = (name: string) => new FastMCP({ name, version: '1.0.0' })
const load = () => ''
const tool = (name: string, text = '') => ({ name, execute: () => text })

const LISTS = {
  tools: 'notifications/tools/list_changed',
  resources: 'notifications/resources/list_changed',
  prompts: 'notifications/prompts/list_changed',
}

/** Hears what a client is told of, and waits for it. */
async function listening(client: OfficialClient, era: string, resourceSubscriptions: string[] = []) {
  const heard: { method: string; params?: unknown }[] = []
  let wake: () => void = () => {}
  client.fallbackNotificationHandler = async (notification) => {
    heard.push(notification)
    wake()
  }
  const lists = { toolsListChanged: true, resourcesListChanged: true, promptsListChanged: true }
  if (era === '2026-07-28') await client.listen({ ...lists, resourceSubscriptions })
  else for (const uri of resourceSubscriptions) await client.subscribeResource({ uri })
  return {
    /** The methods of the next so many notifications. */
    next: async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return heard.splice(0, count).map(({ method }) => method)
    },
    /** What has been heard by the time that a round trip is over. */
    soFar: async () => {
      await client.listTools()
      return heard.splice(0).map(({ method, params }) => ({ method, params }))
    },
  }
}

describe.each(WAYS)('while $name is connected', ({ connect, era }) => {
  test('what changes in a child, and in a child of a child, is there at once and told of once', async () => {
    const [main, child, grandchild] = [make('main'), make('child'), make('grandchild')]
    child.mount('g', grandchild)
    main.mount('c', child)
    grandchild.addTool(tool('old', 'old'))
    const client = await connect(main)
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    const { next, soFar } = await listening(client, era)

    child.addTool(tool('a'))
    grandchild.addTool(tool('b')).addTool(tool('c'))
    expect(await next(1)).toEqual([LISTS.tools])
    expect(await names()).toEqual(['c_a', 'c_g_old', 'c_g_b', 'c_g_c'])

    grandchild.removeTool('old')
    grandchild.addTool(tool('old', 'new'))
    grandchild.disable({ names: ['b'] })
    expect(await next(1)).toEqual([LISTS.tools])
    expect(await names()).toEqual(['c_a', 'c_g_c', 'c_g_old'])
    expect(await client.callTool({ name: 'c_g_old', arguments: {} })).toMatchObject({
      content: [{ text: 'new' }],
    })
    await expect(client.callTool({ name: 'c_g_b', arguments: {} })).rejects.toMatchObject({ code: -32602 })

    grandchild.addResource({ uri: 'data://r', name: 'r', load })
    child.addResourceTemplate({ uriTemplate: 'data://t/{id}', name: 't', load })
    child.addPrompt({ name: 'p', load })
    expect((await next(2)).sort()).toEqual([LISTS.prompts, LISTS.resources])
    expect(await soFar()).toEqual([])
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['data://c/g/r'])
    expect((await client.readResource({ uri: 'data://c/t/7' })).contents).toMatchObject([
      { uri: 'data://c/t/7' },
    ])
  })

  test('mounts come and go, and what was mounted says no more', async () => {
    const main = make('main').addTool(tool('own'))
    const child = make('child').addTool(tool('x')).addResource({ uri: 'data://r', name: 'r', load })
    const client = await connect(main)
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    const { next, soFar } = await listening(client, era)
    main.mount('late', child)
    expect((await next(3)).sort()).toEqual([LISTS.prompts, LISTS.resources, LISTS.tools])
    expect(await names()).toEqual(['own', 'late_x'])
    main.unmount(child)
    expect((await next(3)).sort()).toEqual([LISTS.prompts, LISTS.resources, LISTS.tools])
    expect(await names()).toEqual(['own'])
    child.addTool(tool('y'))
    expect(await soFar()).toEqual([])
  })

  test('the parent hides and shows what it mounted, by names and by tags', async () => {
    const child = make('child')
      .addTool({ ...tool('a'), tags: ['dull'] })
      .addTool(tool('b'))
    const main = make('main').mount('c', child)
    const client = await connect(main)
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    const { next } = await listening(client, era)
    main.disable({ tags: ['dull'] })
    expect(await next(1)).toEqual([LISTS.tools])
    expect(await names()).toEqual(['c_b'])
    await expect(client.callTool({ name: 'c_a', arguments: {} })).rejects.toMatchObject({ code: -32602 })
    main.disable({ names: ['c_b'] }).enable({ names: ['c_a'] })
    expect(await next(1)).toEqual([LISTS.tools])
    expect(await names()).toEqual(['c_a'])
    expect(await names()).not.toEqual(
      (await (await connect(child)).listTools()).tools.map(({ name }) => name),
    )
  })

  test('transforms and middleware that come late count at once', async () => {
    const child = make('child').addTool(tool('a', 'a'))
    const client = await connect(make('main').mount('c', child))
    const { next } = await listening(client, era)
    expect(await client.callTool({ name: 'c_a', arguments: {} })).toMatchObject({ content: [{ text: 'a' }] })
    child.use('tool', async (_run, proceed) => Object.assign(await proceed(), { _meta: { late: true } }))
    expect(await client.callTool({ name: 'c_a', arguments: {} })).toMatchObject({ _meta: { late: true } })
    child.transform({ tools: { a: { name: 'b', description: 'Late' } } })
    expect((await next(3)).sort()).toEqual([LISTS.prompts, LISTS.resources, LISTS.tools])
    expect((await client.listTools()).tools).toMatchObject([{ name: 'c_b', description: 'Late' }])
    expect(await client.callTool({ name: 'c_b', arguments: {} })).toMatchObject({ _meta: { late: true } })
    await expect(client.callTool({ name: 'c_a', arguments: {} })).rejects.toMatchObject({ code: -32602 })
  })

  test('updates of resources reach their subscribers under the names they know', async () => {
    let change: () => void = () => {}
    const child = make('child')
    child.addResource({ uri: 'data://r', name: 'r', load })
    child.addResource({ uri: 'urn:r', name: 'opaque', load, watch: (changed) => void (change = changed) })
    child.addTool({
      name: 'touch',
      execute: (_args, { notifyResourceUpdated }) => notifyResourceUpdated('data://r'),
    })
    const main = make('main').mount('a', make('mid').mount('b', child))
    const client = await connect(main)
    const { next, soFar } = await listening(client, era, ['data://a/b/r', 'a+b+urn:r'])
    child.notifyResourceUpdated('data://r')
    expect(await next(1)).toEqual(['notifications/resources/updated'])
    await client.callTool({ name: 'a_b_touch', arguments: {} })
    expect(await soFar()).toMatchObject([{ params: { uri: 'data://a/b/r' } }])
    change()
    expect(await soFar()).toMatchObject([{ params: { uri: 'a+b+urn:r' } }])
    child.notifyResourceUpdated('data://unheard-of')
    expect(await soFar()).toEqual([])
  })
})

describe('a copy', () => {
  test('stays as it was, with what its own mounts held at that moment', async () => {
    const grandchild = make('grandchild').addTool(tool('g', 'then'))
    const child = make('child')
      .addTool({ name: 'asks', execute: async (_args, { callTool }) => callTool('n_g') })
      .addTool({ ...tool('hidden'), tags: ['dull'] })
      .addResourceTemplate({ uriTemplate: 'data://{id}', name: 't', load: ({ id }) => id })
      .addPrompt({ name: 'p', load: () => 'prompt' })
      .mount('n', grandchild)
      .disable({ tags: ['dull'] })
    const main = make('main')
    expect(await main.importServer('c', child)).toBe(main)
    child.removeTool('asks')
    child.addTool(tool('late'))
    grandchild.removeTool('g')
    child.enable()
    const client = await WAYS[0]!.connect(main)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['c_asks', 'c_n_g'])
    expect(await client.callTool({ name: 'c_asks', arguments: {} })).toMatchObject({
      content: [{ text: 'then' }],
    })
    expect((await client.readResource({ uri: 'data://c/7' })).contents).toMatchObject([
      { uri: 'data://c/7', text: '7' },
    ])
    expect((await client.getPrompt({ name: 'c_p' })).messages).toHaveLength(1)
  })

  test("is the server's own: it can be removed, and clashes as what is added does", async () => {
    const child = make('child').addTool(tool('x', 'first'))
    const main = make('main')
    await main.importServer(child)
    await expect(main.importServer(child)).rejects.toThrow("There is already a tool 'x'")
    expect(() => main.addTool(tool('x'))).toThrow("There is already a tool 'x'")
    expect(main.removeTool('x')).toBe(true)
    const replacing = new FastMCP({ name: 'r', version: '1', onDuplicate: 'replace' }).addTool(
      tool('x', 'own'),
    )
    await replacing.importServer(child)
    const client = await WAYS[0]!.connect(replacing)
    expect(await client.callTool({ name: 'x', arguments: {} })).toMatchObject({
      content: [{ text: 'first' }],
    })
  })

  test('takes all or nothing', async () => {
    const child = make('child').addTool(tool('a')).addPrompt({ name: 'p', load })
    const main = make('main').addPrompt({ name: 'c_p', load })
    await expect(main.importServer('c', child)).rejects.toThrow("There is already a prompt 'c_p'")
    expect(main.removeTool('c_a')).toBe(false)
    await expect(main.importServer('a b', child)).rejects.toThrow('must be 1 to 64')
    await expect(main.importServer(main)).rejects.toThrow("'main' cannot take in 'main'")
  })

  test('keeps its middleware, its updates under their new names, and what the server needs open', async () => {
    const story: string[] = []
    const child = new FastMCP({
      name: 'child',
      version: '1.0.0',
      lifespan: () => {
        story.push('open')
        return { [Symbol.asyncDispose]: async () => void story.push('close') }
      },
    })
    child.use(async ({ name }, next) => {
      story.push(`run ${name}`)
      return next()
    })
    child.addTool({
      name: 'touch',
      execute: (_args, { notifyResourceUpdated }) => notifyResourceUpdated('data://r'),
    })
    child.addResource({ uri: 'data://r', name: 'r', load })
    const main = make('main')
    await main.importServer('c', child)
    const client = await WAYS.find(({ wire }) => wire === 'memory')!.connect(main)
    const { next } = await listening(client, '2025-11-25', ['data://c/r'])
    await client.callTool({ name: 'c_touch', arguments: {} })
    expect(await next(1)).toEqual(['notifications/resources/updated'])
    await main.stop()
    expect(story).toEqual(['open', 'run touch', 'close'])
  })
})
