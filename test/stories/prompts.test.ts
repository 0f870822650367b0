import { describe, expect, test } from 'vitest'
import { embedded, FastMCP, PromptError } from 'fastmesh'
import { ERAS, WAYS } from '../support/clients.js'

const NAME = { name: 'test', version: '1.0.0' }

describe.each(WAYS)('a prompt, got by $name', ({ connect }) => {
  test('is listed as it was written, and made', async () => {
    const server = new FastMCP(NAME).addPrompt({
      name: 'review',
      title: 'Code review',
      description: 'Review code',
      arguments: [
        { name: 'code', description: 'What to review', required: true, complete: () => [] },
        { name: 'language', enum: ['ts', 'js'] },
      ],
      icons: [{ src: 'https://example.com/eye.png' }],
      meta: { 'example.com/team': 'core' },
      load: ({ code, language }) => `Review this ${language ?? 'code'}:\n${code}`,
    })
    const client = await connect(server)
    expect((await client.listPrompts()).prompts).toEqual([
      {
        name: 'review',
        title: 'Code review',
        description: 'Review code',
        arguments: [{ name: 'code', description: 'What to review', required: true }, { name: 'language' }],
        icons: [{ src: 'https://example.com/eye.png' }],
        _meta: { 'example.com/team': 'core' },
      },
    ])
    const got = await client.getPrompt({ name: 'review', arguments: { code: 'x = 1', language: 'ts' } })
    expect(got).toMatchObject({
      description: 'Review code',
      messages: [{ role: 'user', content: { type: 'text', text: 'Review this ts:\nx = 1' } }],
    })
  })

  test('needs what it requires', async () => {
    const server = new FastMCP(NAME).addPrompt({
      name: 'review',
      arguments: [
        { name: 'code', required: true },
        { name: 'tone', required: true },
      ],
      load: () => 'never',
    })
    const client = await connect(server)
    await expect(client.getPrompt({ name: 'review', arguments: { tone: 'dry' } })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('needs the argument code') as string,
    })
    await expect(client.getPrompt({ name: 'review' })).rejects.toThrow(/code, tone/)
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toMatchObject({ code: -32602 })
  })
})

describe.each(ERAS)('what a prompt may give ($era)', ({ connect }) => {
  const messagesOf = async (value: unknown) => {
    const server = new FastMCP(NAME).addPrompt({ name: 'it', load: () => value as string })
    return (await (await connect(server)).getPrompt({ name: 'it' })).messages
  }
  const said = (role: string, text: string) => ({ role, content: { type: 'text', text } })
  const resource = embedded({ uri: 'data://x', mimeType: 'text/plain', text: 'x' })

  test.each([
    ['text', 'Hello', [said('user', 'Hello')]],
    ['a content block', resource, [{ role: 'user', content: resource }]],
    ['messages', [{ role: 'assistant', content: 'Hi' }], [said('assistant', 'Hi')]],
    [
      'both',
      [resource, { role: 'user', content: 'See?' }],
      [{ role: 'user', content: resource }, said('user', 'See?')],
    ],
    ['all of it', { messages: [{ role: 'user', content: 'Hi' }] }, [said('user', 'Hi')]],
  ])('%s', async (_what, value, messages) => {
    expect(await messagesOf(value)).toEqual(messages)
  })

  test('a description and metadata of its own', async () => {
    const server = new FastMCP(NAME).addPrompt({
      name: 'it',
      load: () => ({
        description: 'Today',
        messages: [{ role: 'user', content: 'Hi' }],
        meta: { 'a.b/c': 1 },
      }),
    })
    const got = await (await connect(server)).getPrompt({ name: 'it' })
    expect(got).toMatchObject({ description: 'Today', _meta: { 'a.b/c': 1 } })
  })

  test('nothing it could be is masked, and so is what it throws', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const server = new FastMCP({ ...NAME, logger })
      .addPrompt({ name: 'odd', load: () => 5 as never })
      .addPrompt({ name: 'secret', load: () => Promise.reject(new Error('hunter2')) })
      .addPrompt({
        name: 'meant',
        load: () => {
          throw new PromptError('Not on Sundays', { day: 'Sunday' })
        },
      })
    const client = await connect(server)
    await expect(client.getPrompt({ name: 'odd' })).rejects.toThrow("Error getting prompt 'odd'")
    const error = await client.getPrompt({ name: 'secret' }).catch((caught: Error) => caught)
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('hunter2')
    await expect(client.getPrompt({ name: 'meant' })).rejects.toMatchObject({
      code: -32603,
      data: { day: 'Sunday' },
    })
  })
})

describe.each(WAYS)('completion, asked by $name', ({ connect }) => {
  const server = () =>
    new FastMCP(NAME)
      .addPrompt({
        name: 'greet',
        arguments: [
          { name: 'tone', enum: ['kind', 'Keen', 'dry'] },
          {
            name: 'name',
            complete: async (typed, { arguments: given }) => [`${typed}-${given['tone'] ?? 'none'}`],
          },
          { name: 'free' },
        ],
        load: () => '',
      })
      .addResourceTemplate({
        uriTemplate: ['logs://{day}', 'logs://{day}/{level}'],
        name: 'Logs',
        arguments: [
          { name: 'day', complete: () => Array.from({ length: 250 }, (_, index) => String(index)) },
          { name: 'level', complete: () => ({ values: ['info'], total: 4, hasMore: true }) },
        ],
        load: () => '',
      })
  const prompt = { type: 'ref/prompt', name: 'greet' } as const

  test('of prompt arguments', async () => {
    const client = await connect(server())
    const values = async (name: string, value: string, given?: Record<string, string>) => {
      const context = given === undefined ? {} : { context: { arguments: given } }
      return (await client.complete({ ref: prompt, argument: { name, value }, ...context })).completion.values
    }
    expect(await values('tone', 'k')).toEqual(['kind', 'Keen'])
    expect(await values('name', 'An', { tone: 'dry' })).toEqual(['An-dry'])
    expect(await values('name', 'An')).toEqual(['An-none'])
    expect(await values('free', 'x')).toEqual([])
  })

  test('of template arguments, a hundred at the most', async () => {
    const client = await connect(server())
    const complete = async (uri: string, name: string) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value: '' } }))
        .completion
    const days = await complete('logs://{day}', 'day')
    expect(days.values).toHaveLength(100)
    expect(days).toMatchObject({ total: 250, hasMore: true })
    expect(await complete('logs://{day}/{level}', 'level')).toEqual({
      values: ['info'],
      total: 4,
      hasMore: true,
    })
  })

  test('of what is not there', async () => {
    const client = await connect(server())
    const argument = { name: 'x', value: '' }
    for (const ref of [
      { type: 'ref/prompt', name: 'nothing' },
      { type: 'ref/resource', uri: 'logs://nothing/{at}/all' },
    ] as const)
      await expect(client.complete({ ref, argument })).rejects.toMatchObject({ code: -32602 })
  })
})

test('an argument named twice is refused at once', () => {
  const server = new FastMCP(NAME)
  const load = () => ''
  expect(() => server.addPrompt({ name: 'it', arguments: [{ name: 'a' }, { name: 'a' }], load })).toThrow(
    /twice/,
  )
  expect(() => server.addPrompt({ name: '', load })).toThrow(TypeError)
})
