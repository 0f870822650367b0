/** Messages of a server that belong to no call, on a connection that is one session's own: they reach that session. */
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'

const file = new URL('../servers/outspoken.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', file] }

interface Heard {
  readonly client: Client
  readonly logs: unknown[]
  /** Ids of elicitations that were asked for, and of those that are complete. */
  readonly asked: unknown[]
  readonly completed: unknown[]
  readonly others: string[]
}

/** An official client of a session, and the messages that it gets. */
async function listening(transport: Transport): Promise<Heard> {
  const client = new Client(
    { name: 'listening', version: '1.0.0' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: 'legacy' } },
  )
  onCleanup(() => client.close())
  const heard: Heard = { client, logs: [], asked: [], completed: [], others: [] }
  client.setNotificationHandler('notifications/message', ({ params }) => void heard.logs.push(params.data))
  client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
    heard.completed.push(params.elicitationId)
  })
  client.fallbackNotificationHandler = ({ method }) => {
    heard.others.push(method)
    return Promise.resolve()
  }
  client.setRequestHandler('elicitation/create', ({ params }) => {
    heard.asked.push((params as { elicitationId?: string }).elicitationId)
    return { action: 'accept' }
  })
  await client.connect(transport)
  return heard
}

async function overHttp(server: FastMCP): Promise<Transport> {
  return new StreamableHTTPClientTransport(new URL(await serve(server)))
}

async function inMemory(server: FastMCP): Promise<Transport> {
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  onCleanup(() => server.stop())
  return clientSide as unknown as Transport
}

const text = ({ content }: object & { content?: unknown }): string => (content as [{ text: string }])[0].text

describe.each([
  ['over HTTP', overHttp],
  ['in memory', inMemory],
])('a session %s before a process', (_name, way) => {
  test('› gets a log message and an unknown notification that the server sends as it starts', async () => {
    const { client, logs, others } = await listening(await way(FastMCP.asProxy(COMMAND)))
    await client.listTools()
    await expect.poll(() => logs, { timeout: 5000 }).toEqual(['ready'])
    expect(others).toEqual(['notifications/vendor/ready'])
  })

  test('› its own unknown notifications reach the server', async () => {
    const { client } = await listening(await way(FastMCP.asProxy(COMMAND)))
    await client.listTools()
    await client.notification({ method: 'notifications/vendor/said', params: { text: 'hello' } })
    await expect
      .poll(async () => text(await client.callTool({ name: 'heard', arguments: {} })), { timeout: 5000 })
      .toBe('hello')
  })

  test('› a page that was opened is complete by the id that the server gave it', async () => {
    const { client, asked, completed } = await listening(await way(FastMCP.asProxy(COMMAND)))
    expect(text(await client.callTool({ name: 'page', arguments: {} }))).toBe('accept')
    expect(asked).toEqual(['the-page'])
    await expect.poll(() => completed, { timeout: 5000 }).toEqual(['the-page'])
  })

  test('› a page that an error names is complete after that error', async () => {
    const { client, completed } = await listening(await way(FastMCP.asProxy(COMMAND)))
    const failure = client.callTool({ name: 'page-first', arguments: {} })
    await expect(failure).rejects.toMatchObject({
      code: -32042,
      data: { elicitations: [{ elicitationId: 'first-page' }] },
    })
    await expect.poll(() => completed, { timeout: 5000 }).toEqual(['first-page'])
  })
})

test('two sessions before two processes › each gets the messages of its own', async () => {
  const url = await serve(FastMCP.asProxy(COMMAND))
  const [one, other] = await Promise.all([
    listening(new StreamableHTTPClientTransport(new URL(url))),
    listening(new StreamableHTTPClientTransport(new URL(url))),
  ])
  expect(text(await one.client.callTool({ name: 'page', arguments: {} }))).toBe('accept')
  await expect.poll(() => one.completed, { timeout: 5000 }).toEqual(['the-page'])
  await other.client.listTools()
  await expect.poll(() => other.logs, { timeout: 5000 }).toEqual(['ready'])
  expect(other).toMatchObject({ asked: [], completed: [] })
})

test('a session of a composite › passes its unknown notifications to none of the servers', async () => {
  const composite = FastMCP.asProxy({ mcpServers: { a: COMMAND, b: COMMAND } })
  const { client } = await listening(await overHttp(composite))
  await client.callTool({ name: 'a_heard', arguments: {} })
  await client.notification({ method: 'notifications/vendor/said', params: { text: 'secret' } })
  expect(text(await client.callTool({ name: 'a_heard', arguments: {} }))).toBe('')
  expect(text(await client.callTool({ name: 'b_heard', arguments: {} }))).toBe('')
})
