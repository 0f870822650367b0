/** A server on `fastmcp`, over stdio. */
import { FastMCP, UserError, imageContent } from 'fastmcp'
import { z } from 'zod'

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const server = new FastMCP({ name: 'fastmcp', version: '2.3.4', instructions: 'Add before you fail.' })
server.addTool({
  name: 'add',
  description: 'Adds two numbers',
  parameters: z.object({ a: z.number(), b: z.number() }),
  annotations: { title: 'Add', readOnlyHint: true, openWorldHint: false },
  execute: async ({ a, b }, { log, reportProgress }) => {
    log.info('adding', { a, b })
    await reportProgress({ progress: 1, total: 2 })
    return String(a + b)
  },
})
server.addTool({
  name: 'fail',
  description: 'Throws',
  execute: async () => {
    throw new UserError('this tool fails')
  },
})
server.addTool({
  name: 'picture',
  description: 'Gives a picture',
  execute: () => imageContent({ buffer: Buffer.from(PIXEL, 'base64') }),
})
server.addResource({
  uri: 'fast://settings',
  name: 'Settings',
  mimeType: 'application/json',
  load: async () => ({ text: '{"dark":true}' }),
})
server.addResourceTemplate({
  uriTemplate: 'fast://logs/{name}.log',
  name: 'Logs',
  mimeType: 'text/plain',
  arguments: [
    { name: 'name', required: true, complete: async (value) => ({ values: [`${value}one`, `${value}two`] }) },
  ],
  load: async ({ name }) => ({ text: `Log of ${name}` }),
})
server.addPrompt({
  name: 'commit',
  description: 'Writes a commit message',
  arguments: [{ name: 'changes', description: 'What has changed', required: true, enum: ['big', 'small'] }],
  load: async ({ changes }) => `Describe ${changes} changes`,
})
await server.start({ transportType: 'stdio' })
