import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { z } from 'zod'
import { listen, toolNames } from './common.mjs'

function make() {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  for (const name of toolNames)
    server.registerTool(
      name,
      {
        description: `Adds two numbers, as ${name}`,
        inputSchema: z.object({ a: z.number(), b: z.number() }),
      },
      ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
    )
  return server
}

const alone = toNodeHandler(createMcpHandler(make))
const sessions = new Map()

listen(async (request, response) => {
  if (request.headers['mcp-protocol-version'] === '2026-07-28') {
    alone(request, response)
    return
  }
  const known = sessions.get(request.headers['mcp-session-id'])
  if (known !== undefined) {
    await known.handleRequest(request, response)
    return
  }
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  await make().connect(transport)
  await transport.handleRequest(request, response)
})
