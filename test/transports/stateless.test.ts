import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { NAME, PING } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

function server() {
  return new FastMCP(NAME)
    .addTool({
      name: 'who',
      execute: (_args, { sessionId, client }) => JSON.stringify([sessionId ?? null, client.protocolVersion]),
    })
    .addTool({
      name: 'progress',
      execute: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 1 })
        return 'done'
      },
    })
    .addTool({
      name: 'ask',
      execute: async (_args, { elicit }) =>
        (await elicit({ message: '?', schema: z.object({ a: z.string() }) })).action,
    })
}

test.each(['v1', 'v2'])('the official client %s is served without a session', async (which) => {
  const of = server()
  const record = new Recording(of)
  const url = new URL(await serve(of, { stateless: true }))
  const options = { capabilities: { elicitation: {} } }
  const client = which === 'v1' ? new ClientV1(NAME, options) : new Client(NAME, options)
  const transport = which === 'v1' ? new HttpV1(url) : new StreamableHTTPClientTransport(url)
  await client.connect(transport)
  onCleanup(() => client.close())
  expect(transport.sessionId).toBeUndefined()
  expect((await client.listTools()).tools).toHaveLength(3)
  const result = await client.callTool({ name: 'who', arguments: {} })
  expect(result.content).toEqual([{ type: 'text', text: '[null,"2025-11-25"]' }])
  await expect(client.callTool({ name: 'ask', arguments: {} })).rejects.toMatchObject({ code: -32021 })
  expect([record.connected, of.sessions]).toEqual([[], []])
})

test('what needs a session is refused, and what does not needs none', async () => {
  const connection = await Raw.connect(await serve(server(), { stateless: true }))
  onCleanup(() => connection.destroy())
  expect((await connection.ask(PING)).json).toMatchObject({ result: {} })
  for (const method of ['GET', 'DELETE']) {
    const { status, headers } = await connection.send(method, { accept: 'text/event-stream' })
    expect([status, headers['allow']]).toEqual([405, 'POST'])
  }
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    const answer = await connection.ask({ jsonrpc: '2.0', id: 1, method, params: { uri: 'data://x' } })
    expect(answer.json).toMatchObject({ error: { code: -32601 } })
  }
  const batch = await connection.ask([PING, { ...PING, id: 2 }])
  expect(batch.json).toEqual([
    { jsonrpc: '2.0', id: 1, result: {} },
    { jsonrpc: '2.0', id: 2, result: {} },
  ])
  const newer = { 'mcp-protocol-version': '2025-11-25' }
  expect((await connection.ask([PING], newer)).status).toBe(400)
  expect((await connection.ask(PING, { 'mcp-session-id': 'any' })).status).toBe(200)
  const params = { name: 'progress', _meta: { progressToken: 1 } }
  const streamed = await connection.ask({ jsonrpc: '2.0', id: 3, method: 'tools/call', params })
  expect(streamed.body).toContain('notifications/progress')
  expect(streamed.body).not.toContain('id: ')
  expect((await connection.ask2026('tools/list')).status).toBe(200)
})

test('many with the same id at once do not mix', async () => {
  const url = await serve(server(), { stateless: true })
  const connections = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(url)))
  onCleanup(() => connections.forEach((connection) => connection.destroy()))
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'who' } }
  const versions = ['2025-03-26', '2025-06-18', '2025-11-25']
  const answers = await Promise.all(
    connections.map((connection, index) =>
      connection.ask(call, { 'mcp-protocol-version': versions[index % 3]! }),
    ),
  )
  answers.forEach(({ body }, index) => expect(body).toContain(versions[index % 3]))
})

test('HTTP+SSE cannot be stateless', async () => {
  await expect(serve(server(), { stateless: true, sse: true })).rejects.toThrow(/statelessly/)
})
