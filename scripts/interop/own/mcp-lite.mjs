/** A server on `mcp-lite`, over HTTP with sessions. */
import { serve } from '@hono/node-server'
import {
  InMemoryClientRequestAdapter,
  InMemorySessionAdapter,
  McpServer,
  StreamableHttpTransport,
} from 'mcp-lite'
import { z } from 'zod'

const server = new McpServer({
  name: 'lite',
  version: '3.2.1',
  schemaAdapter: (schema) => z.toJSONSchema(schema),
})
server.tool('add', {
  title: 'Add',
  description: 'Adds two numbers',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  outputSchema: z.object({ sum: z.number() }),
  _meta: { 'interop/kind': 'sum' },
  handler: async ({ a, b }, { progress }) => {
    await progress?.({ progress: 1, total: 2 })
    return { content: [{ type: 'text', text: String(a + b) }], structuredContent: { sum: a + b } }
  },
})
server.tool('ask', {
  description: 'Asks who calls',
  handler: async (_args, context) => {
    if (!context.client.supports('elicitation')) return { content: [{ type: 'text', text: 'cannot ask' }] }
    const answer = await context.elicit({ message: 'Who?', schema: z.object({ who: z.string() }) })
    return { content: [{ type: 'text', text: JSON.stringify(answer) }] }
  },
})
server.tool('fail', {
  description: 'Throws',
  handler: () => {
    throw new Error('this tool fails')
  },
})
server.resource('lite://settings', { name: 'Settings', mimeType: 'application/json' }, async (uri) => ({
  contents: [{ uri: uri.href, mimeType: 'application/json', text: '{"dark":true}' }],
}))
server.resource('lite://users/{id}', { description: 'A user', _meta: { age: 3 } }, async (uri, { id }) => ({
  contents: [{ uri: uri.href, text: `User ${id}` }],
}))
server.prompt('greet', {
  description: 'Greets',
  arguments: z.object({ name: z.string() }),
  handler: ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Hello ${name}` } }] }),
})

const transport = new StreamableHttpTransport({
  sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 100 }),
  clientRequestAdapter: new InMemoryClientRequestAdapter({ defaultTimeoutMs: 10_000 }),
})
serve({ fetch: transport.bind(server), port: Number(process.env.PORT), hostname: '127.0.0.1' })
