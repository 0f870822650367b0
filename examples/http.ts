/** One HTTP endpoint for clients of both eras and for browsers, its guard, its health and its end. */
import assert from 'node:assert/strict'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'HTTP', version: '1.0.0', session: { max: 100 } }).addTool({
  name: 'hello',
  execute: (_args, { client }) => `Hello ${client.name ?? 'stranger'}, who speaks ${client.protocolVersion}`,
})
const { url, stop } = await server.start({
  httpStream: {
    port: 0,
    endpoint: '/api/mcp',
    allowedOrigins: ['https://app.example.com'],
    maxBodyBytes: 10_000,
  },
})

for (const [mode, revision] of [
  ['legacy', '2025-11-25'],
  ['auto', '2026-07-28'],
] as const) {
  const client = new Client({ name: 'Ann', version: '1.0.0' }, { versionNegotiation: { mode } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  const { content } = await client.callTool({ name: 'hello', arguments: {} })
  assert.deepEqual(content, [{ type: 'text', text: `Hello Ann, who speaks ${revision}` }])
  await client.close()
}

const post = (headers: Record<string, string>, body = '{}') =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
assert.equal((await post({ origin: 'https://evil.example' })).status, 403)
const allowed = await post({ origin: 'https://app.example.com' })
assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.com')
assert.equal((await post({}, `{"x":"${'y'.repeat(20_000)}"}`)).status, 413)
assert.equal(await (await fetch(new URL('/health', url))).text(), 'ok')

await stop()
await assert.rejects(fetch(url))
