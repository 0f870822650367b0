/** A server on `mcp-use`, over HTTP. */
import { MCPServer } from 'mcp-use'
import { z } from 'zod'

const server = new MCPServer({ name: 'used', title: 'Used', version: '4.5.6' })
server.tool(
  {
    name: 'add',
    title: 'Add',
    description: 'Adds two numbers',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
    annotations: { readOnlyHint: true },
  },
  async ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }],
    structuredContent: { sum: a + b },
  }),
)
server.tool({ name: 'fail', description: 'Throws' }, async () => {
  throw new Error('this tool fails')
})
await server.listen(Number(process.env.PORT))
