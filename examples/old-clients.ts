/** One port for everybody: streamable HTTP, HTTP+SSE for clients of 2024, health and readiness; and no sessions where they are not wanted. */
import assert from 'node:assert/strict'
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'Everybody', version: '1.0.0' }).addTool({
  name: 'session',
  execute: (_args, { sessionId }) => (sessionId === undefined ? 'none' : 'one'),
})

async function session(transport: SSEClientTransport | StreamableHTTPClientTransport): Promise<unknown> {
  const client = new Client({ name: 'Ann', version: '1.0.0' })
  await client.connect(transport)
  const { content } = await client.callTool({ name: 'session', arguments: {} })
  await client.close()
  return content
}

const { url } = await server.start({ httpStream: { port: 0 } })
assert.deepEqual(await session(new SSEClientTransport(new URL('/sse', url))), [{ type: 'text', text: 'one' }])
assert.deepEqual(await session(new StreamableHTTPClientTransport(new URL(url))), [
  { type: 'text', text: 'one' },
])
assert.equal(await (await fetch(new URL('/health', url))).text(), 'ok')
const ready = await fetch(new URL('/ready', url))
assert.equal(ready.status, 200)
assert.equal(((await ready.json()) as { state: string }).state, server.status().state)
await server.stop()

const stateless = await server.start({ httpStream: { port: 0, stateless: true } })
const none = await session(new StreamableHTTPClientTransport(new URL(stateless.url)))
assert.deepEqual(none, [{ type: 'text', text: 'none' }])
await server.stop()
