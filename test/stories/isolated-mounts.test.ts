import { describe, expect, test } from 'vitest'
import { FastMCP, inputRequired } from 'fastmesh'
import { z } from 'zod'
import { answering, capabilitiesFor } from '../support/answering.js'
import { WAYS, type OfficialClient } from '../support/clients.js'
import { Recording, recordingLogger } from '../support/recording.js'

const make = (name: string, options: object = {}) => new FastMCP({ name, version: '1.0.0', ...options })
const call = (client: OfficialClient, name: string, args: object = {}) =>
  client.callTool({ name, arguments: { ...args } })
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text
const isolated = (child: FastMCP, options: object = {}) =>
  make('main', options).mount('c', child, { asProxy: true })
const of2025 = WAYS.filter(({ era, wire }) => era === '2025-11-25' && wire !== 'fetch')
const of2026 = WAYS.filter(({ era }) => era === '2026-07-28')

describe.each(of2025)('for $name, a server mounted as a proxy', ({ connect }) => {
  test('has a session for each in front, which knows the client and ends with it', async () => {
    const child = make('child').addTool({
      name: 'count',
      execute: (_args, { state, sessionId }) => {
        const count = Number(state.get('count') ?? 0) + 1
        state.set('count', count)
        return `${count} ${sessionId}`
      },
    })
    const recording = new Recording(child)
    const main = isolated(child)
    const [first, second] = [
      await connect(main),
      await WAYS.find(({ name }) => name === 'v2 legacy in memory')!.connect(main),
    ]
    const [one] = textOf(await call(first, 'c_count')).split(' ')
    const [two, sessionId] = textOf(await call(first, 'c_count')).split(' ')
    expect([one, two]).toEqual(['1', '2'])
    expect(textOf(await call(second, 'c_count'))).toMatch(/^1 /)
    const session = await recording.session()
    expect(session).toMatchObject({ id: sessionId, era: '2025-11-25', transport: 'inMemory' })
    expect(session.clientInfo?.name).toBe('test-client')
    expect(main.sessions.map(({ id }) => id)).not.toContain(sessionId)
    expect(child.sessions).toHaveLength(2)
    await main.stop()
    await recording.gone(2)
    expect(child.sessions).toEqual([])
  })

  test('asks the client of each call, and tells it', async () => {
    const child = make('child').addTool({
      name: 'asks',
      execute: async (_args, { elicit, sample, listRoots, log }) => {
        log.info('on the way')
        const answer = await elicit({ message: 'Name?', schema: z.object({ name: z.string() }) })
        const { content } = await sample({ messages: [], maxTokens: 5 })
        return JSON.stringify([answer, content, await listRoots()])
      },
    })
    const logged: unknown[] = []
    const main = isolated(child)
    const client = (name: string) => {
      const answers = {
        elicit: () => ({ action: 'accept', content: { name } }),
        sample: () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: `by ${name}` } }),
        roots: () => [{ uri: `file:///${name}` }],
      }
      return connect(main, {
        capabilities: capabilitiesFor(answers),
        prepare: (connecting) => {
          answering(connecting, answers)
          connecting.fallbackNotificationHandler = async ({ params }) => void logged.push(params)
        },
      })
    }
    const [ann, bob] = [await client('ann'), await client('bob')]
    const answers = await Promise.all([call(ann, 'c_asks'), call(bob, 'c_asks')])
    expect(answers.map((answer) => JSON.parse(textOf(answer)) as unknown)).toEqual(
      ['ann', 'bob'].map((name) => [
        { action: 'accept', content: { name } },
        expect.objectContaining({ text: `by ${name}` }),
        [{ uri: `file:///${name}` }],
      ]),
    )
    await expect
      .poll(() => logged)
      .toMatchObject([
        { level: 'info', data: { message: 'on the way' } },
        { level: 'info', data: { message: 'on the way' } },
      ])
  })
})

describe.each(of2026)('for $name, a server mounted as a proxy', ({ connect }) => {
  test('asks by input_required, in whatever way its handlers ask', async () => {
    let counted = 0
    const schema = z.object({ name: z.string() })
    const child = make('child')
      .addTool({
        name: 'awaits',
        execute: async (_args, { elicit, once }) => {
          await once('count', () => void (counted += 1))
          const [a, b] = await Promise.all([
            elicit({ message: 'A?', schema }),
            elicit({ message: 'B?', schema }),
          ])
          const c = await elicit({ message: 'C?', schema })
          return [a, b, c].map(({ content }) => content?.name).join()
        },
      })
      .addTool({
        name: 'returns',
        execute: (_args, { inputResponses, requestState }) =>
          inputResponses === undefined
            ? inputRequired({
                inputRequests: { who: inputRequired.elicit({ message: 'D?', schema }) },
                requestState: { kept: 1 },
              })
            : JSON.stringify([inputResponses['who']?.content, requestState]),
      })
    const answers = {
      elicit: ({ message }: Record<string, unknown>) => ({
        action: 'accept',
        content: { name: String(message) },
      }),
    }
    const client = await connect(isolated(child), {
      capabilities: capabilitiesFor(answers),
      prepare: (connecting) => answering(connecting, answers),
    })
    expect(textOf(await call(client, 'c_awaits'))).toBe('A?,B?,C?')
    expect(counted).toBe(1)
    expect(textOf(await call(client, 'c_returns'))).toBe('[{"name":"D?"},{"kept":1}]')
  })

  test('shares one connection with others, and leaves nothing behind when it is unmounted', async () => {
    const child = make('child').addTool({ name: 'who', execute: (_args, { client }) => client.name })
    const recording = new Recording(child)
    const main = isolated(child)
    const client = await connect(main)
    const answers = await Promise.all([call(client, 'c_who'), call(client, 'c_who')])
    expect(answers.map(textOf)).toEqual(['test-client', 'test-client'])
    expect(recording.connected).toHaveLength(1)
    main.unmount(child)
    await recording.gone()
    expect(child.sessions).toEqual([])
    expect(child.status().requests).toBe(0)
  })
})

test('errors of a server mounted as a proxy are its own to mask, and name resources as outside', async () => {
  const { logger, lines } = recordingLogger()
  const child = make('child', { logger })
    .addTool({
      name: 'fails',
      execute: () => {
        throw new Error('secret')
      },
    })
    .addResource({ uri: 'data://gone', name: 'gone', load: () => undefined })
  const client = await WAYS[0]!.connect(isolated(child, { maskErrorDetails: false }))
  expect(textOf(await call(client, 'c_fails'))).toBe("Error calling tool 'fails'")
  expect(lines.join()).toContain('secret')
  await expect(client.readResource({ uri: 'data://c/gone' })).rejects.toThrow('data://c/gone')
  await expect(call(client, 'c_nothing')).rejects.toMatchObject({ code: -32602 })
})

test('a server mounted as a proxy that ends its sessions is connected to anew', async () => {
  const child = make('child').addTool({ name: 'it', execute: () => 'ok' })
  const recording = new Recording(child)
  const client = await WAYS[0]!.connect(isolated(child))
  expect(textOf(await call(client, 'c_it'))).toBe('ok')
  for (const session of child.sessions) session.close()
  await recording.gone()
  expect(textOf(await call(client, 'c_it'))).toBe('ok')
  expect(recording.connected).toHaveLength(2)
})

test('a server that is unmounted has its sessions ended', async () => {
  const child = make('child').addTool({ name: 'it', execute: () => 'ok' })
  const main = isolated(child)
  const recording = new Recording(child)
  const client = await WAYS[0]!.connect(main)
  await call(client, 'c_it')
  expect(child.sessions).toHaveLength(1)
  main.unmount(child)
  await recording.gone()
  expect(recording.reasons).toEqual(['connection closed'])
})
