import { serve } from '@hono/node-server'
import { ZodJsonSchemaAdapter } from '@tmcp/adapter-zod'
import { HttpTransport } from '@tmcp/transport-http'
import { McpServer } from 'tmcp'
import { z } from 'zod'
import { ready, toolNames } from './common.mjs'

const server = new McpServer(
  { name: 'bench', version: '1.0.0', description: 'Bench' },
  { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
)
for (const name of toolNames)
  server.tool(
    { name, description: `Adds two numbers, as ${name}`, schema: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
  )
const transport = new HttpTransport(server, { path: '/mcp' })
const fetch = async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 })
serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => ready(port))
