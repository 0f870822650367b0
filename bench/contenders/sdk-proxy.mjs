/** A proxy as it is put together from the official SDK: a server for each session in front, and a client behind it. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import { Server } from '@modelcontextprotocol/server'
import { listen } from './common.mjs'
import { startUpstream } from './upstream.mjs'

const upstream = new URL(`http://127.0.0.1:${await startUpstream()}/mcp`)
const sessions = new Map()

async function open() {
  const client = new Client({ name: 'proxy', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(upstream))
  const server = new Server({ name: 'proxy', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/call', ({ params }) => client.callTool(params))
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  await server.connect(transport)
  return transport
}

await listen(async (request, response) => {
  const transport = sessions.get(request.headers['mcp-session-id']) ?? (await open())
  await transport.handleRequest(request, response)
})
