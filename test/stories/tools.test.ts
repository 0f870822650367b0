import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { z as z3 } from 'zod3'
import { audio, embedded, FastMCP, image, resourceLink, UserError } from 'fastmesh'
import { PIXEL, SILENCE } from '../conformance/fixtures.js'
import { ERAS, WAYS } from '../support/clients.js'

const NAME = { name: 'test', version: '1.0.0' }

describe.each(WAYS)('a tool, called by $name', ({ connect }) => {
  test('is listed as it was written, and answers', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'add',
      title: 'Addition',
      description: 'Add two numbers',
      parameters: z.object({ a: z.number(), b: z.number().default(2) }),
      annotations: { readOnlyHint: true, streamingHint: false },
      icons: [{ src: 'https://example.com/plus.png', sizes: ['48x48'] }],
      meta: { 'example.com/owner': 'maths' },
      tags: ['internal'],
      execute: ({ a, b }) => a + b,
    })
    const client = await connect(server)
    const { tools } = await client.listTools()
    expect(tools).toHaveLength(1)
    expect(tools[0]).toMatchObject({
      name: 'add',
      title: 'Addition',
      description: 'Add two numbers',
      annotations: { readOnlyHint: true },
      icons: [{ src: 'https://example.com/plus.png', sizes: ['48x48'] }],
      _meta: { 'example.com/owner': 'maths' },
      inputSchema: {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number', default: 2 } },
        required: ['a'],
      },
    })
    expect(tools[0]).not.toHaveProperty('tags')
    const result = await client.callTool({ name: 'add', arguments: { a: 40 } })
    expect(result.content).toEqual([{ type: 'text', text: '42' }])
    expect(result.isError).toBeFalsy()
  })

  test('tells which argument is wrong, and why', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'add',
      parameters: z.object({ a: z.number(), nested: z.object({ b: z.string() }) }),
      execute: () => 'never',
    })
    const client = await connect(server)
    const result = await client.callTool({ name: 'add', arguments: { a: 'one', nested: { b: 1 } } })
    expect(result.isError).toBe(true)
    const [block] = result.content as { text: string }[]
    expect(block!.text).toMatch(/^Invalid arguments for tool 'add': /)
    expect(block!.text).toMatch(/a: .*number/)
    expect(block!.text).toMatch(/nested\.b: .*string/)
  })

  test('that does not exist is a protocol error', async () => {
    const client = await connect(new FastMCP(NAME))
    await expect(client.callTool({ name: 'nothing', arguments: {} })).rejects.toMatchObject({ code: -32602 })
  })
})

describe.each(ERAS)('what a tool returns ($era)', ({ connect, era }) => {
  const returned = async (value: unknown, outputSchema?: z.ZodType) => {
    const server = new FastMCP(NAME).addTool({ name: 'it', outputSchema, execute: () => value as never })
    const client = await connect(server)
    return client.callTool({ name: 'it', arguments: {} })
  }
  const text = (value: string) => [{ type: 'text', text: value }]

  test.each([
    ['text', 'hello', text('hello')],
    ['a number', 1.5, text('1.5')],
    ['a boolean', false, text('false')],
    ['null', null, text('null')],
    ['a list', [1, 'two'], text('[1,"two"]')],
    ['an empty list', [], text('[]')],
    ['nothing', undefined, []],
    ['a content block', { type: 'text', text: 'block' }, text('block')],
    [
      'content blocks',
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      [...text('a'), ...text('b')],
    ],
  ])('%s', async (_what, value, content) => {
    const result = await returned(value)
    expect(result.content).toEqual(content)
    expect(result.structuredContent).toBeUndefined()
  })

  test('an object is text and structured content', async () => {
    const result = await returned({ city: 'London', degrees: 7 })
    expect(result.content).toEqual(text('{"city":"London","degrees":7}'))
    expect(result.structuredContent).toEqual({ city: 'London', degrees: 7 })
  })

  test('a whole result goes out as it is', async () => {
    const result = await returned({
      content: [
        {
          type: 'text',
          text: 'told',
          annotations: { audience: ['user'], priority: 1 },
          _meta: { 'a.b/c': 1 },
        },
      ],
      structuredContent: { told: true },
      isError: true,
      meta: { 'example.com/cost': 3 },
    })
    expect(result).toMatchObject({
      content: [
        {
          type: 'text',
          text: 'told',
          annotations: { audience: ['user'], priority: 1 },
          _meta: { 'a.b/c': 1 },
        },
      ],
      structuredContent: { told: true },
      isError: true,
      _meta: { 'example.com/cost': 3 },
    })
  })

  test('structured content alone is told as text too', async () => {
    const result = await returned({ structuredContent: { told: true } })
    expect(result.content).toEqual(text('{"told":true}'))
  })

  test('pictures, sounds, links and resources', async () => {
    const result = await returned([
      await image({ buffer: PIXEL }),
      await audio({ buffer: SILENCE }),
      resourceLink({ uri: 'data://cities', name: 'Cities', mimeType: 'application/json' }),
      embedded({ uri: 'data://inline', mimeType: 'text/plain', text: 'inline' }),
      embedded({
        uri: 'data://bytes',
        mimeType: 'application/octet-stream',
        blob: new Uint8Array([1, 2, 3]),
      }),
    ])
    expect(result.content).toEqual([
      { type: 'image', data: PIXEL.toString('base64'), mimeType: 'image/png' },
      { type: 'audio', data: SILENCE.toString('base64'), mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'data://cities', name: 'Cities', mimeType: 'application/json' },
      { type: 'resource', resource: { uri: 'data://inline', mimeType: 'text/plain', text: 'inline' } },
      {
        type: 'resource',
        resource: { uri: 'data://bytes', mimeType: 'application/octet-stream', blob: 'AQID' },
      },
    ])
  })

  test('what the output schema does not know stays inside', async () => {
    const result = await returned({ id: 1, password: 'hunter2' }, z.object({ id: z.number() }))
    expect(result.structuredContent).toEqual({ id: 1 })
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })

  test('what the output schema refuses is an error that says nothing of it', async () => {
    const logged: unknown[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (...message: unknown[]) => logged.push(message),
    }
    const server = new FastMCP({ ...NAME, logger }).addTool({
      name: 'it',
      outputSchema: z.object({ id: z.number() }),
      execute: () => ({ id: 'secret' }) as never,
    })
    const result = await (await connect(server)).callTool({ name: 'it', arguments: {} })
    expect(result).toMatchObject({ isError: true, content: text("Error calling tool 'it'") })
    expect(String(logged)).toContain('outputSchema')
  })

  test('a list behind an output schema is structured content, in 2025 as its member `result`', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'it',
      outputSchema: z.array(z.object({ id: z.number() })),
      execute: () => [{ id: 1 }],
    })
    const client = await connect(server)
    const { tools } = await client.listTools()
    const result = await client.callTool({ name: 'it', arguments: {} })
    expect(result.content).toEqual(text('[{"id":1}]'))
    if (era === '2026-07-28') {
      expect(tools[0]!.outputSchema).toMatchObject({ type: 'array' })
      expect(result.structuredContent).toEqual([{ id: 1 }])
    } else {
      expect(tools[0]!.outputSchema).toMatchObject({
        type: 'object',
        properties: { result: { type: 'array' } },
        required: ['result'],
      })
      expect(result.structuredContent).toEqual({ result: [{ id: 1 }] })
    }
  })

  test('what JSON cannot hold is a masked error', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    for (const value of [10n, () => 1, { big: 10n }, new Uint8Array(3), { content: [], meta: { big: 1n } }]) {
      const server = new FastMCP({ ...NAME, logger }).addTool({ name: 'it', execute: () => value })
      const client = await connect(server)
      const outcome = await client.callTool({ name: 'it', arguments: {} }).catch((error: Error) => error)
      expect(outcome).toSatisfy((it: { isError?: boolean }) => it instanceof Error || it.isError === true)
      expect((await client.listTools()).tools).toHaveLength(1)
    }
  })
})

describe.each(ERAS)('schemas of every kind ($era)', ({ connect }) => {
  test.each([
    ['zod 4', z.object({ n: z.number() })],
    ['zod 3', z3.object({ n: z3.number() })],
    ['valibot', v.object({ n: v.number() })],
    ['valibot, wrapped', toStandardJsonSchema(v.object({ n: v.number() }))],
    ['arktype', type({ n: 'number' })],
    ['JSON Schema', { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }],
  ] as const)('%s', async (_library, parameters) => {
    const server = new FastMCP(NAME).addTool({
      name: 'twice',
      parameters: parameters as never,
      execute: ({ n }: { n: number }) => 2 * n,
    })
    const client = await connect(server)
    const { tools } = await client.listTools()
    expect(tools[0]!.inputSchema).toMatchObject({
      type: 'object',
      properties: { n: { type: 'number' } },
      required: ['n'],
    })
    expect(tools[0]!.inputSchema).not.toHaveProperty('__absolute_uri__')
    const good = await client.callTool({ name: 'twice', arguments: { n: 21 } })
    expect(good.content).toEqual([{ type: 'text', text: '42' }])
    const bad = await client.callTool({ name: 'twice', arguments: { n: 'x' } })
    expect(bad.isError).toBe(true)
    expect((bad.content as { text: string }[])[0]!.text).toMatch(/^Invalid arguments for tool 'twice': .*n/)
  })

  test('one that is checked asynchronously, and turns what it is given', async () => {
    const parameters = z.object({ n: z.string().transform(async (text) => Number(text)) })
    const described = Object.assign(Object.create(parameters) as typeof parameters, {
      '~standard': {
        ...parameters['~standard'],
        jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
      },
    })
    const server = new FastMCP(NAME).addTool({
      name: 'next',
      parameters: described,
      execute: ({ n }) => n + 1,
    })
    const result = await (await connect(server)).callTool({ name: 'next', arguments: { n: '41' } })
    expect(result.content).toEqual([{ type: 'text', text: '42' }])
  })

  test('every keyword of a JSON Schema is kept', async () => {
    const parameters = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { id: { $anchor: 'id', type: 'string', pattern: '^[a-z]+$' } },
      properties: { id: { $ref: '#/$defs/id' }, extra: { 'x-unknown': { deep: true } } },
      dependentRequired: { extra: ['id'] },
      unevaluatedProperties: false,
    }
    const server = new FastMCP(NAME).addTool({ name: 'it', parameters, execute: () => 'ok' })
    const client = await connect(server)
    expect((await client.listTools()).tools[0]!.inputSchema).toEqual(parameters)
    const bad = await client.callTool({ name: 'it', arguments: { id: 'A' } })
    expect(bad.isError).toBe(true)
  })
})

test('a definition that cannot be right is refused at once, saying whose it is', () => {
  const server = new FastMCP(NAME)
  const execute = () => 'never'
  expect(() => server.addTool({ name: 'has space', execute })).toThrow(/"has space"/)
  expect(() => server.addTool({ name: '', execute })).toThrow(TypeError)
  expect(() => server.addTool({ name: 'a'.repeat(129), execute })).toThrow(TypeError)
  expect(() => server.addTool({ name: 'it', parameters: z.string(), execute })).toThrow(/Tool 'it'.*object/)
  expect(() => server.addTool({ name: 'it', parameters: 5 as never, execute })).toThrow(
    /Tool 'it', parameters/,
  )
  expect(() =>
    server.addTool({
      name: 'it',
      parameters: { $schema: 'https://example.com/own', type: 'object' },
      execute,
    }),
  ).toThrow(/dialect/)
  const vague = { '~standard': { version: 1, vendor: 'vague', validate: () => ({ value: 1 }) } } as const
  expect(() => server.addTool({ name: 'it', parameters: vague, execute })).toThrow(
    /Tool 'it'.*vague.*JSON Schema/,
  )
  const mirrored = (property: object) => ({ type: 'object', properties: { p: property } })
  expect(() =>
    server.addTool({ name: 'it', parameters: mirrored({ type: 'object', 'x-mcp-header': 'P' }), execute }),
  ).toThrow(/x-mcp-header/)
  expect(() =>
    server.addTool({
      name: 'it',
      parameters: mirrored({ type: 'string', 'x-mcp-header': 'no token' }),
      execute,
    }),
  ).toThrow(/token/)
})

test('a schema that allows nothing but objects without saying so is taken', async () => {
  const parameters = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), a: z.number() }),
    z.object({ kind: z.literal('b'), b: z.string() }),
  ])
  const server = new FastMCP(NAME).addTool({ name: 'either', parameters, execute: (args) => args.kind })
  const client = await ERAS[0]!.connect(server)
  expect((await client.listTools()).tools[0]!.inputSchema.type).toBe('object')
  const result = await client.callTool({ name: 'either', arguments: { kind: 'b', b: 'x' } })
  expect(result.content).toEqual([{ type: 'text', text: 'b' }])
})

test('names that every object has are ordinary names', async () => {
  const server = new FastMCP(NAME)
  for (const name of ['__proto__', 'constructor', 'toString'])
    server.addTool({ name, execute: () => `I am ${name}` })
  const client = await ERAS[1]!.connect(server)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const result = await client.callTool({ name, arguments: {} })
    expect(result.content).toEqual([{ type: 'text', text: `I am ${name}` }])
  }
  await expect(client.callTool({ name: 'hasOwnProperty', arguments: {} })).rejects.toMatchObject({
    code: -32602,
  })
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('a user error keeps its message and its extras', async () => {
  for (const { connect } of ERAS) {
    const server = new FastMCP(NAME).addTool({
      name: 'fails',
      execute: () => {
        throw new UserError('There is no such city', { city: 'Atlantis' })
      },
    })
    const result = await (await connect(server)).callTool({ name: 'fails', arguments: {} })
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'There is no such city' }],
      structuredContent: { city: 'Atlantis' },
    })
  }
})
