/** A server on `tmcp`, over stdio. */
import { setTimeout as delay } from 'node:timers/promises'
import { ZodJsonSchemaAdapter } from '@tmcp/adapter-zod'
import { StdioTransport } from '@tmcp/transport-stdio'
import { McpServer } from 'tmcp'
import { complete, prompt, resource, tool } from 'tmcp/utils'
import { z } from 'zod'

const server = new McpServer(
  { name: 'tiny', version: '1.1.1', title: 'Tiny', websiteUrl: 'https://example.com/tiny' },
  {
    adapter: new ZodJsonSchemaAdapter(),
    instructions: 'Ask for numbers.',
    capabilities: {
      completions: {},
      logging: {},
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      tools: { listChanged: true },
    },
  },
)
server.tool(
  {
    name: 'add',
    title: 'Add',
    description: 'Adds two numbers',
    schema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
  },
  async ({ a, b }) => {
    server.log('info', { adding: [a, b] }, 'tiny')
    server.progress(1, 2, 'adding')
    await delay(50)
    return tool.structured({ sum: a + b })
  },
)
server.tool({ name: 'ask', description: 'Asks who calls' }, async () => {
  const answer = await server.elicitation('Who?', z.object({ who: z.string() }))
  return tool.text(JSON.stringify(answer))
})
server.tool({ name: 'fail', description: 'Fails' }, async () => tool.error('this tool fails'))
server.resource({ name: 'readme', description: 'A file', uri: 'tiny://readme' }, async (uri) =>
  resource.text(uri, '# Readme', 'text/markdown'),
)
server.template(
  {
    name: 'users',
    description: 'A user',
    uri: 'tiny://users/{id}',
    complete: { id: async (value) => complete.values([`${value}1`, `${value}2`], false) },
  },
  async (uri, { id }) => resource.text(uri, `User ${id}`),
)
server.prompt(
  { name: 'explain', description: 'Explains', schema: z.object({ topic: z.string() }) },
  async ({ topic }) => prompt.message(`Explain ${topic}`),
)
new StdioTransport(server).listen()
