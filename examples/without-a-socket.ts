/** Testing a server of one's own: through the HTTP layer without a socket, and in memory with the official client. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

const server = new FastMCP({ name: 'Tested', version: '1.0.0' }).addTool({
  name: 'two',
  execute: () => 1 + 1,
})

const response = await server.request('/mcp', {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'two',
  },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'two',
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  }),
})
assert.equal(response.status, 200)
const { result } = (await response.json()) as { result: { content: unknown } }
assert.deepEqual(result.content, [{ type: 'text', text: '2' }])

const client = await connect(server)
assert.deepEqual((await client.callTool({ name: 'two', arguments: {} })).content, [
  { type: 'text', text: '2' },
])
await client.close()
