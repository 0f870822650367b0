import { ClientAnswerError, FastMCP, inputRequired, type Context } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answering, capabilitiesFor, type Answers } from '../support/answering.js'
import { ERAS, WAYS, type Way } from '../support/clients.js'

const SURE = z.object({ sure: z.boolean() })
const assistant = (text: string) => ({
  role: 'assistant',
  model: 'test-model',
  content: { type: 'text', text },
})

/** A server with one tool, prompt and resource that all do the same, and a client that answers. */
async function asked(way: Way, run: (context: Context) => unknown, answers: Answers) {
  const server = new FastMCP({ name: 'asking', version: '1.0.0' })
    .addTool({ name: 'ask', execute: (_args, context) => run(context) })
    .addPrompt({ name: 'ask', load: async (_args, context) => String(await run(context)) })
    .addResource({ uri: 'data://ask', name: 'ask', load: run })
  const client = await way.connect(server, { capabilities: capabilitiesFor(answers) })
  return answering(client, answers)
}

async function called(way: Way, run: (context: Context) => unknown, answers: Answers) {
  const client = await asked(way, run, answers)
  return (await client.callTool({ name: 'ask', arguments: {} })) as {
    content: { text: string }[]
    isError?: boolean
  }
}

describe.each(WAYS)('asking by await, for $name', (way) => {
  test('a user fills in a form, declines or cancels', async () => {
    const seen: unknown[] = []
    const answers = [
      { action: 'accept', content: { sure: true } },
      { action: 'decline' },
      { action: 'cancel' },
    ]
    for (const answer of answers) {
      const run = async ({ elicit }: Context) =>
        JSON.stringify(await elicit({ message: 'Delete it?', schema: SURE }))
      const result = await called(way, run, {
        elicit: (params) => {
          seen.push(params)
          return answer
        },
      })
      expect(JSON.parse(result.content[0]!.text)).toEqual(answer)
    }
    expect(seen).toHaveLength(3)
    expect(seen[0]).toMatchObject({
      message: 'Delete it?',
      requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } }, required: ['sure'] },
    })
  })

  test('a user is sent to a page', async () => {
    const seen: Record<string, unknown>[] = []
    const run = async ({ elicit }: Context) =>
      (await elicit({ message: 'Pay', url: 'https://example.com/pay' })).action
    const result = await called(way, run, {
      elicit: (params) => {
        seen.push(params)
        return { action: 'accept' }
      },
    })
    expect(result.content[0]?.text).toBe('accept')
    expect(seen).toMatchObject([{ mode: 'url', url: 'https://example.com/pay', message: 'Pay' }])
    expect('elicitationId' in seen[0]!).toBe(way.era === '2025-11-25')
  })

  test('a model is asked, and the roots', async () => {
    const run = async ({ sample, listRoots }: Context) => {
      const { text, model } = await sample({ messages: 'Hello', maxTokens: 10, systemPrompt: 'Be brief' })
      const roots = await listRoots()
      return `${model} says ${text} in ${roots.map(({ uri }) => uri).join()}`
    }
    const result = await called(way, run, {
      sample: ({ messages, maxTokens, systemPrompt }) => {
        expect({ messages, maxTokens, systemPrompt }).toEqual({
          messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }],
          maxTokens: 10,
          systemPrompt: 'Be brief',
        })
        return assistant('Hi')
      },
      roots: () => [{ uri: 'file:///here' }],
    })
    expect(result.content[0]?.text).toBe('test-model says Hi in file:///here')
  })

  test('several questions at once and one after the other, in a tool, a prompt and a resource', async () => {
    const run = async ({ elicit, sample }: Context) => {
      const [first, second] = await Promise.all([
        elicit({ message: 'One?', schema: SURE }),
        sample({ messages: 'Two?' }),
      ])
      const third = await elicit({ message: 'Three?', schema: SURE })
      return `${first.action} ${second.text} ${third.action}`
    }
    const client = await asked(way, run, {
      elicit: ({ message }) => ({ action: message === 'One?' ? 'decline' : 'cancel' }),
      sample: () => assistant('two'),
    })
    const expected = 'decline two cancel'
    expect(await client.callTool({ name: 'ask', arguments: {} })).toMatchObject({
      content: [{ text: expected }],
    })
    expect(await client.getPrompt({ name: 'ask' })).toMatchObject({
      messages: [{ content: { text: expected } }],
    })
    expect(await client.readResource({ uri: 'data://ask' })).toMatchObject({ contents: [{ text: expected }] })
  })

  test('a handler that returns its questions is called again with the answers', async () => {
    const run = ({ inputResponses, requestState }: Context) =>
      inputResponses === undefined
        ? inputRequired({
            inputRequests: {
              name: inputRequired.elicit({ message: 'Name?', schema: z.object({ name: z.string() }) }),
              poem: inputRequired.sample({ messages: 'A poem' }),
              roots: inputRequired.listRoots(),
            },
            requestState: { step: 1 },
          })
        : JSON.stringify([
            inputResponses['name']?.content,
            inputResponses['poem']?.model,
            inputResponses['roots']?.roots,
            requestState,
          ])
    const result = await called(way, run, {
      elicit: () => ({ action: 'accept', content: { name: 'Ann' } }),
      sample: () => assistant('Roses'),
      roots: () => [{ uri: 'file:///r' }],
    })
    expect(JSON.parse(result.content[0]!.text)).toEqual([
      { name: 'Ann' },
      'test-model',
      [{ uri: 'file:///r' }],
      { step: 1 },
    ])
  })

  test('what is to happen once happens once', async () => {
    let runs = 0
    const made: unknown[] = []
    const run = async ({ once, elicit }: Context) => {
      runs += 1
      const id = await once('id', () => {
        made.push(new Date(0))
        return { at: new Date(0), n: made.length }
      })
      await elicit({ message: 'Go on?', schema: SURE })
      return JSON.stringify(id)
    }
    const result = await called(way, run, { elicit: () => ({ action: 'accept', content: { sure: true } }) })
    expect(JSON.parse(result.content[0]!.text)).toEqual({ at: '1970-01-01T00:00:00.000Z', n: 1 })
    expect(made).toHaveLength(1)
    expect(runs).toBe(way.era === '2025-11-25' ? 1 : 2)
  })
})

describe.each(ERAS)('for $name', (way) => {
  test('defaults are offered and filled in', async () => {
    const zod = z.object({ days: z.number().int().default(3), city: z.string().optional() })
    const json = {
      type: 'object',
      properties: { days: { type: 'integer', default: 3 }, city: { type: 'string' } },
    }
    for (const schema of [zod, json]) {
      const run = async ({ elicit }: Context) =>
        JSON.stringify((await elicit({ message: 'How?', schema })).content)
      const result = await called(way, run, {
        elicit: ({ requestedSchema }) => {
          expect(requestedSchema).toMatchObject({ properties: { days: { type: 'integer', default: 3 } } })
          return { action: 'accept', content: { city: 'Ulm' } }
        },
      })
      expect(JSON.parse(result.content[0]!.text)).toEqual({ days: 3, city: 'Ulm' })
    }
  })

  test('an answer that does not fit is told as an error that says why', async () => {
    const run = async ({ elicit }: Context) => (await elicit({ message: 'Sure?', schema: SURE })).action
    const result = await called(way, run, {
      elicit: () => ({ action: 'accept', content: { sure: 'maybe' } }),
    })
    expect(result.isError).toBe(true)
    expect(result.content[0]?.text).toMatch(/The answer to "Sure\?" does not fit: sure: .*boolean/)
  })

  test('a handler may catch what does not fit, and ask again', async () => {
    let asked = 0
    const run = async ({ elicit }: Context) => {
      for (;;)
        try {
          return JSON.stringify(await elicit({ message: 'Sure?', schema: SURE }))
        } catch (error) {
          if (!(error instanceof ClientAnswerError)) throw error
        }
    }
    const result = await called(way, run, {
      elicit: () => ({ action: 'accept', content: { sure: ++asked > 2 ? true : 'hm' } }),
    })
    expect(JSON.parse(result.content[0]!.text)).toEqual({ action: 'accept', content: { sure: true } })
    expect(asked).toBe(3)
  })

  test.each([
    [
      'elicitation',
      ({ elicit }: Context) => elicit({ message: 'Sure?', schema: SURE }),
      { elicitation: { form: {} } },
    ],
    ['sampling', ({ sample }: Context) => sample({ messages: 'Hi' }), { sampling: {} }],
    [
      'sampling with tools',
      ({ sample }: Context) => sample({ messages: 'Hi', tools: [] }),
      { sampling: { tools: {} } },
    ],
    ['roots', ({ listRoots }: Context) => listRoots(), { roots: {} }],
    [
      'returned questions',
      () => inputRequired({ inputRequests: { r: inputRequired.listRoots() } }),
      { roots: {} },
    ],
  ])('a client without %s is told what it lacks', async (_what, run, requiredCapabilities) => {
    await expect(called(way, run, {})).rejects.toMatchObject({ code: -32021, data: { requiredCapabilities } })
  })

  test('a form that clients cannot show is the fault of the server', async () => {
    const schema = z.object({ address: z.object({ street: z.string() }) })
    const seen: unknown[] = []
    const run = async ({ elicit }: Context) => {
      await elicit({ message: 'Where?', schema }).catch((error: unknown) => seen.push(error))
      return 'ok'
    }
    await called(way, run, { elicit: () => ({ action: 'cancel' }) })
    expect(String(seen[0])).toMatch(/Field "address" of a form must be/)
  })

  test('a completion cannot ask', async () => {
    const server = new FastMCP({ name: 'completing', version: '1.0.0' }).addPrompt({
      name: 'p',
      arguments: [
        {
          name: 'a',
          complete: async (_value, { elicit }) =>
            elicit({ message: '?', schema: SURE }).then(
              () => ['asked'],
              (error: unknown) => [String(error)],
            ),
        },
      ],
      load: () => '',
    })
    const client = await way.connect(server, { capabilities: { elicitation: {} } })
    const completion = await client.complete({
      ref: { type: 'ref/prompt', name: 'p' },
      argument: { name: 'a', value: '' },
    })
    expect(completion.completion.values).toEqual([
      'Error: Only tools, resources and prompts can ask the client',
    ])
  })

  test('many callers at once get their own answers', async () => {
    const server = new FastMCP({ name: 'asking', version: '1.0.0' }).addTool({
      name: 'ask',
      parameters: z.object({ who: z.string() }),
      execute: async ({ who }, { elicit }) => {
        const schema = z.object({ name: z.string() })
        const { content } = await elicit({ message: `Are you ${who}?`, schema })
        return `${who} is ${content?.name ?? 'nobody'}`
      },
    })
    const way2 = { ...way }
    const clients = await Promise.all(
      ['ann', 'bob', 'cid'].map(async (name) => {
        const client = await way2.connect(server, { capabilities: { elicitation: {} } })
        return {
          name,
          client: answering(client, {
            elicit: ({ message }) => {
              expect(message).toContain(`Are you ${name}`)
              return { action: 'accept', content: { name } }
            },
          }),
        }
      }),
    )
    const calls = clients.flatMap(({ name, client }) =>
      [1, 2, 3].map(async (n) => {
        const who = `${name}${n}`
        const result = await client.callTool({ name: 'ask', arguments: { who } })
        expect(result).toMatchObject({ content: [{ text: `${who} is ${name}` }] })
      }),
    )
    await Promise.all(calls)
  })

  test('a nested call asks for itself, awaiting or returning', async () => {
    const server = new FastMCP({ name: 'nested', version: '1.0.0' })
      .addTool({
        name: 'inner',
        execute: async (_args, { elicit }) => (await elicit({ message: 'Inner?', schema: SURE })).action,
      })
      .addTool({
        name: 'returning',
        execute: (_args, { inputResponses }) =>
          inputResponses?.['q']?.action ??
          inputRequired({ inputRequests: { q: inputRequired.elicit({ message: 'Q?', schema: SURE }) } }),
      })
      .addTool({
        name: 'outer',
        execute: async (_args, { callTool }) => {
          const results = [await callTool('inner'), await callTool('returning')]
          return results.map(({ content }) => (content[0] as { text: string }).text).join(' ')
        },
      })
    const client = await way.connect(server, { capabilities: { elicitation: {} } })
    answering(client, { elicit: ({ message }) => ({ action: message === 'Q?' ? 'cancel' : 'decline' }) })
    expect(await client.callTool({ name: 'outer', arguments: {} })).toMatchObject({
      content: [{ text: 'decline cancel' }],
    })
  })
})

test('a 2025 client that answers with an error, or is called off meanwhile', async () => {
  const way = ERAS.find(({ era }) => era === '2025-11-25')!
  const run = async ({ sample }: Context) => (await sample({ messages: 'Hi' })).text
  const result = await called(way, run, {
    sample: () => {
      throw Object.assign(new Error('The user said no'), { code: -1 })
    },
  })
  expect(result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('The user said no') }],
  })

  const reasons: unknown[] = []
  const controller = new AbortController()
  const client = await asked(
    way,
    async ({ elicit, signal }) => {
      await elicit({ message: 'Sure?', schema: SURE }).catch((error: unknown) => reasons.push(error))
      reasons.push(signal.aborted)
    },
    { elicit: () => (controller.abort(), new Promise(() => {})) },
  )
  await expect(
    client.callTool({ name: 'ask', arguments: {} }, { signal: controller.signal }),
  ).rejects.toThrow()
  await expect.poll(() => reasons).toHaveLength(2)
  expect(String(reasons[0])).toContain('The call that asked has ended')
  expect(reasons[1]).toBe(true)
})
