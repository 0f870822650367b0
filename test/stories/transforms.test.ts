import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { z } from 'zod'
import { WAYS } from '../support/clients.js'
import { recordingLogger } from '../support/recording.js'

const make = (options: object = {}) => new FastMCP({ name: 'server', version: '1.0.0', ...options })
const connect = WAYS[0]!.connect
const load = () => ''

function weather(options: object = {}) {
  return make(options)
    .addTool({
      name: 'get_forecast',
      description: 'Forecast',
      parameters: z.object({
        city: z.string(),
        units: z.string(),
        days: z.number().optional(),
        key: z.string().optional(),
      }),
      meta: { kept: true },
      execute: (args) => args,
    })
    .addTool({ name: 'admin', tags: ['internal'], execute: () => 'admin' })
    .addTool({ name: 'ask_admin', execute: async (_args, { callTool }) => callTool('admin') })
}

describe('a table of transforms', () => {
  test('renames, describes, hides, and knows arguments by other names', async () => {
    const server = weather().transform({
      tools: {
        get_forecast: {
          name: 'forecast',
          title: 'The forecast',
          description: 'Weather of a place',
          meta: { more: 1 },
          annotations: { readOnlyHint: true },
          arguments: {
            city: { name: 'place', description: 'Which place' },
            units: { value: 'metric' },
            days: { default: 3 },
            key: { hidden: true },
          },
        },
        admin: false,
      },
    })
    const client = await connect(server)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['forecast', 'ask_admin'])
    expect(tools[0]).toMatchObject({
      title: 'The forecast',
      description: 'Weather of a place',
      annotations: { readOnlyHint: true },
      _meta: { kept: true, more: 1 },
      inputSchema: {
        properties: {
          place: { type: 'string', description: 'Which place' },
          days: { type: 'number', default: 3 },
        },
        required: ['place'],
      },
    })
    expect(Object.keys(tools[0]!.inputSchema.properties!)).toEqual(['place', 'days'])
    const given = { place: 'Oslo', city: 'Rome', units: 'imperial', key: 'stolen' }
    const { structuredContent } = await client.callTool({ name: 'forecast', arguments: given })
    expect(structuredContent).toEqual({ city: 'Oslo', units: 'metric', days: 3 })
    expect(await client.callTool({ name: 'forecast', arguments: {} })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^Invalid arguments for tool 'forecast': city/) }],
    })
    for (const name of ['get_forecast', 'admin'])
      await expect(client.callTool({ name, arguments: {} })).rejects.toMatchObject({ code: -32602 })
    expect(await client.callTool({ name: 'ask_admin', arguments: {} })).toMatchObject({
      content: [{ text: 'admin' }],
    })
  })

  test('is told at once of what cannot be', () => {
    const refused = (changes: object, problem: string): void => {
      const server = weather()
      expect(() => server.transform({ tools: { get_forecast: changes } })).toThrow(problem)
    }
    refused({ arguments: { nothing: { hidden: true } } }, "Tool 'get_forecast' has no argument 'nothing'")
    refused({ arguments: { toString: { hidden: true } } }, "has no argument 'toString'")
    refused(
      { arguments: { city: { hidden: true } } },
      "requires 'city', so it cannot be hidden without a value",
    )
    refused({ arguments: { city: { name: 'units' } } }, "would have two arguments 'units'")
    refused({ name: 'with space' }, 'must be 1 to 128 characters')
  })

  test('hides what comes later and cannot be seen so, with a warning', async () => {
    const { logger, lines } = recordingLogger()
    const server = make({ logger }).transform({ tools: { late: { arguments: { x: { value: 1 } } } } })
    server.addTool({ name: 'late', execute: () => '' })
    const client = await connect(server)
    expect((await client.listTools()).tools).toEqual([])
    await expect(client.callTool({ name: 'late', arguments: {} })).rejects.toMatchObject({ code: -32602 })
    expect(lines).toEqual(["A transform hides 'late': Tool 'late' has no argument 'x'"])
  })

  test('speaks of resources by URI, and of what a template gives as of the template', async () => {
    const server = make()
      .addResource({ uri: 'data://a', name: 'a', load })
      .addResource({ uri: 'data://b', name: 'b', load })
      .addResourceTemplate({ uriTemplate: 'users://{id}', name: 'user', load })
      .addResourceTemplate({ uriTemplate: 'files://{id}', name: 'file', load })
      .addPrompt({ name: 'p', load: () => 'p' })
    server.transform({
      resources: { 'data://a': { name: 'A', mimeType: 'text/plain' }, 'data://b': false },
      resourceTemplates: { 'users://{id}': false, 'files://{id}': { title: 'Files' } },
      prompts: { p: { name: 'q', description: 'Renamed' } },
    })
    const client = await connect(server)
    expect((await client.listResources()).resources).toEqual([
      { uri: 'data://a', name: 'A', mimeType: 'text/plain' },
    ])
    expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { name: 'file', title: 'Files' },
    ])
    for (const uri of ['data://b', 'users://7'])
      await expect(client.readResource({ uri })).rejects.toThrow('Resource not found')
    expect((await client.readResource({ uri: 'files://7' })).contents).toHaveLength(1)
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'q', description: 'Renamed' }])
    expect((await client.getPrompt({ name: 'q' })).messages).toHaveLength(1)
  })
})

describe('a transform that is a function', () => {
  test('sees kind, key, definition and tags; of several the later sees what the earlier made', async () => {
    const server = weather()
      .transform(({ kind, key, tags }) =>
        tags.has('internal') ? false : kind === 'tool' ? { name: `my_${key}` } : undefined,
      )
      .transform(({ kind, key, definition }) =>
        kind === 'tool' && key === 'my_get_forecast'
          ? { description: `${definition.description}!` }
          : undefined,
      )
    const client = await connect(make().mount('w', server))
    expect((await client.listTools()).tools).toMatchObject([
      { name: 'w_my_get_forecast', description: 'Forecast!' },
      { name: 'w_my_ask_admin' },
    ])
    const result = await client.callTool({
      name: 'w_my_get_forecast',
      arguments: { city: 'Oslo', units: 'metric' },
    })
    expect(result.structuredContent).toEqual({ city: 'Oslo', units: 'metric' })
  })

  test('gives tags that servers around it can hide by', async () => {
    const child = weather().transform(({ key }) => (key === 'ask_admin' ? { tags: ['hidden'] } : undefined))
    const client = await connect(
      make()
        .mount('w', child)
        .disable({ tags: ['hidden', 'internal'] }),
    )
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['w_get_forecast'])
  })

  test('that renames to a name that is taken leaves it to the one that always had it', async () => {
    const server = make({ onDuplicate: 'replace' })
      .addTool({ name: 'a', execute: () => 'a' })
      .addTool({ name: 'b', execute: () => 'b' })
      .transform({ tools: { a: { name: 'b' } } })
    const client = await connect(server)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['b'])
    expect(await client.callTool({ name: 'b', arguments: {} })).toMatchObject({ content: [{ text: 'b' }] })
    await expect(client.callTool({ name: 'a', arguments: {} })).rejects.toMatchObject({ code: -32602 })
  })
})
