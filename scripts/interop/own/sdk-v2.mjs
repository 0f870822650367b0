/** A server on the official SDK v2: over HTTP where there is a PORT, else over stdio. */
import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer, ResourceTemplate, completable, createMcpHandler } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

function factory() {
  const server = new McpServer(
    { name: 'second', version: '2.0.1', title: 'Second', description: 'A server of the second SDK' },
    { instructions: 'Add, then ask.', capabilities: { logging: {} } },
  )
  addTools(server)
  server.registerResource(
    'settings',
    'second://settings',
    { title: 'Settings', mimeType: 'application/json', annotations: { audience: ['user'], priority: 0.5 } },
    async (uri) => ({ contents: [{ uri: uri.href, mimeType: 'application/json', text: '{"dark":true}' }] }),
  )
  server.registerResource(
    'users',
    new ResourceTemplate('second://users/{id}', { complete: { id: (value) => [`${value}1`, `${value}2`] } }),
    { description: 'A user' },
    async (uri, { id }) => ({ contents: [{ uri: uri.href, text: `User ${id}` }] }),
  )
  server.registerPrompt(
    'review',
    { title: 'Review', argsSchema: z.object({ code: completable(z.string(), () => ['a', 'b']) }) },
    ({ code }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Review ${code}` } }] }),
  )
  return server
}

function addTools(server) {
  server.registerTool(
    'add',
    {
      title: 'Add',
      description: 'Adds two numbers',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
    },
    async ({ a, b }, { mcpReq }) => {
      await mcpReq.log('info', { adding: [a, b] }, 'second')
      return { content: [{ type: 'text', text: String(a + b) }], structuredContent: { sum: a + b } }
    },
  )
  server.registerTool('ask', { description: 'Asks who calls' }, async ({ mcpReq }) => {
    const requestedSchema = { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] }
    const answer = await mcpReq.elicitInput({ mode: 'form', message: 'Who?', requestedSchema })
    return { content: [{ type: 'text', text: JSON.stringify(answer) }] }
  })
  server.registerTool('fail', { description: 'Throws' }, async () => {
    throw new Error('this tool fails')
  })
}

if (process.env.PORT === undefined) serveStdio(factory)
else createServer(toNodeHandler(createMcpHandler(factory))).listen(Number(process.env.PORT), '127.0.0.1')
