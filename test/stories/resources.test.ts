import { describe, expect, test } from 'vitest'
import { FastMCP, ResourceError } from 'fastmesh'
import { PIXEL } from '../conformance/fixtures.js'
import { ERAS, WAYS } from '../support/clients.js'

const NAME = { name: 'test', version: '1.0.0' }

describe.each(WAYS)('resources, read by $name', ({ connect }) => {
  test('are listed, and read, as they were written', async () => {
    const server = new FastMCP(NAME).addResource({
      uri: 'data://cities',
      name: 'Cities',
      title: 'All cities',
      description: 'Where there is weather',
      mimeType: 'application/json',
      size: 18,
      annotations: { audience: ['assistant'], priority: 0.5 },
      icons: [{ src: 'https://example.com/city.png' }],
      meta: { 'example.com/source': 'atlas' },
      load: () => ['London', 'Paris'],
    })
    const client = await connect(server)
    const { resources } = await client.listResources()
    expect(resources).toEqual([
      {
        uri: 'data://cities',
        name: 'Cities',
        title: 'All cities',
        description: 'Where there is weather',
        mimeType: 'application/json',
        size: 18,
        annotations: { audience: ['assistant'], priority: 0.5 },
        icons: [{ src: 'https://example.com/city.png' }],
        _meta: { 'example.com/source': 'atlas' },
      },
    ])
    const { contents } = await client.readResource({ uri: 'data://cities' })
    expect(contents).toEqual([
      { uri: 'data://cities', mimeType: 'application/json', text: '["London","Paris"]' },
    ])
  })

  test('are found by any of several templates', async () => {
    const server = new FastMCP(NAME).addResourceTemplate({
      uriTemplate: ['users://email/{email}', 'users://name/{name}'],
      name: 'User',
      mimeType: 'application/json',
      load: ({ email, name }) => ({ email, name }),
    })
    const client = await connect(server)
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate, name }) => [uriTemplate, name])).toEqual([
      ['users://email/{email}', 'User'],
      ['users://name/{name}', 'User'],
    ])
    const read = async (uri: string) => {
      const { contents } = await client.readResource({ uri })
      return JSON.parse((contents[0] as { text: string }).text) as unknown
    }
    expect(await read('users://email/ann%40example.com')).toEqual({ email: 'ann@example.com' })
    expect(await read('users://name/Ann')).toEqual({ name: 'Ann' })
  })

  test('that are not there are an error', async () => {
    const server = new FastMCP(NAME).addResourceTemplate({
      uriTemplate: 'users://{id}',
      name: 'User',
      load: () => undefined,
    })
    const client = await connect(server)
    for (const uri of ['data://nothing', 'users://nobody'])
      await expect(client.readResource({ uri })).rejects.toThrow(`Resource not found: ${uri}`)
  })
})

describe.each(ERAS)('what a resource loads ($era)', ({ connect }) => {
  const uri = 'data://it'
  const loaded = async (value: unknown, mimeType?: string) => {
    const facts = { uri, name: 'It', ...(mimeType === undefined ? {} : { mimeType }) }
    const client = await connect(new FastMCP(NAME).addResource({ ...facts, load: () => value }))
    return (await client.readResource({ uri })).contents
  }

  test.each([
    ['text', 'hello', [{ uri, text: 'hello' }]],
    ['empty text', '', [{ uri, text: '' }]],
    ['bytes', new Uint8Array([1, 2, 3]), [{ uri, blob: 'AQID' }]],
    ['a JSON value', { a: 1 }, [{ uri, mimeType: 'application/json', text: '{"a":1}' }]],
    ['a part with text', { text: 'x' }, [{ uri, text: 'x' }]],
    ['a part with Base64', { blob: 'AQID', mimeType: 'x/y' }, [{ uri, mimeType: 'x/y', blob: 'AQID' }]],
    ['a part with bytes', { blob: new Uint8Array([1]) }, [{ uri, blob: 'AQ==' }]],
    [
      'several parts',
      [
        { text: 'a', uri: 'data://it/a' },
        { blob: PIXEL, meta: { 'a.b/c': 1 } },
      ],
      [
        { uri: 'data://it/a', text: 'a' },
        { uri, blob: PIXEL.toString('base64'), _meta: { 'a.b/c': 1 } },
      ],
    ],
    [
      'a list of texts, which is JSON',
      ['a', 'b'],
      [{ uri, mimeType: 'application/json', text: '["a","b"]' }],
    ],
  ])('%s', async (_what, value, contents) => {
    expect(await loaded(value)).toEqual(contents)
  })

  test('its own type goes with it', async () => {
    expect(await loaded('# Hi', 'text/markdown')).toEqual([{ uri, mimeType: 'text/markdown', text: '# Hi' }])
  })
})

test('a resource stands before a template that would give it too', async () => {
  const server = new FastMCP(NAME)
    .addResourceTemplate({ uriTemplate: 'data://{id}', name: 'Any', load: ({ id }) => `any ${id}` })
    .addResource({ uri: 'data://one', name: 'One', load: () => 'the one' })
  const client = await ERAS[0]!.connect(server)
  const text = async (uri: string) =>
    ((await client.readResource({ uri })).contents[0] as { text: string }).text
  expect(await text('data://one')).toBe('the one')
  expect(await text('data://two')).toBe('any two')
})

test('wildcards hold slashes, queries may be absent', async () => {
  const server = new FastMCP(NAME)
    .addResourceTemplate({ uriTemplate: 'files://{path*}', name: 'File', load: ({ path }) => path })
    .addResourceTemplate({
      uriTemplate: 'search://{index}{?q,limit}',
      name: 'Search',
      load: (args) => args,
    })
  const client = await ERAS[1]!.connect(server)
  const text = async (uri: string) =>
    ((await client.readResource({ uri })).contents[0] as { text: string }).text
  expect(await text('files://a/b%20c/d.txt')).toBe('a/b c/d.txt')
  expect(JSON.parse(await text('search://books'))).toEqual({ index: 'books' })
  expect(JSON.parse(await text('search://books?limit=5&q=a%26b'))).toEqual({
    index: 'books',
    q: 'a&b',
    limit: '5',
  })
})

test('an error of a resource keeps its message and extras; any other is masked', async () => {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  for (const { connect } of ERAS) {
    const server = new FastMCP({ ...NAME, logger })
      .addResource({
        uri: 'data://meant',
        name: 'Meant',
        load: () => {
          throw new ResourceError('The archive is closed', { opens: 'Monday' })
        },
      })
      .addResource({
        uri: 'data://unmeant',
        name: 'Unmeant',
        load: () => Promise.reject(new Error('postgres://admin:hunter2@db')),
      })
    const client = await connect(server)
    await expect(client.readResource({ uri: 'data://meant' })).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('The archive is closed') as string,
      data: { opens: 'Monday' },
    })
    const error = await client.readResource({ uri: 'data://unmeant' }).catch((caught: Error) => caught)
    expect(error).toMatchObject({ code: -32603 })
    expect((error as Error).message).toContain("Error reading resource 'data://unmeant'")
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('hunter2')
  }
})

test('what cannot be a resource is refused at once', () => {
  const server = new FastMCP(NAME)
  const load = () => ''
  expect(() => server.addResource({ uri: 'no uri', name: 'It', load })).toThrow(/"no uri"/)
  expect(() => server.addResource({ uri: 'data://a b', name: 'It', load })).toThrow(TypeError)
  expect(() => server.addResource({ uri: 'data://a', name: '', load })).toThrow(TypeError)
  const template = (uriTemplate: string | string[]) => () =>
    server.addResourceTemplate({ uriTemplate, name: 'It', load })
  expect(template('data://{a}{b}')).toThrow(/nothing between/)
  expect(template('data://{a')).toThrow(/brace/)
  expect(template('data://{}')).toThrow(/variable/)
  expect(template('data://{a}/{a}')).toThrow(/twice/)
  expect(template('data://{?q}/after')).toThrow(/behind its query/)
  expect(template('data://a?fixed=1{&q}')).toThrow(/fixed query/)
  expect(template([])).toThrow(/no uriTemplate/)
  expect(() =>
    server.addResourceTemplate({ uriTemplate: 'data://{a}', name: 'It', arguments: [{ name: 'b' }], load }),
  ).toThrow(/\{b\}/)
})
