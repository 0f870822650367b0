/** The server within applications that are there already: Hono, Express, Fastify, node:http, and where there is only fetch. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import middie from '@fastify/middie'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import express from 'express'
import fastify from 'fastify'
import { FastMCP } from 'fastmesh'
import { Hono } from 'hono'

const server = new FastMCP({
  name: 'Embedded',
  version: '1.0.0',
  // Begins with the first request, ends with `stop`: no lifespan to hand on to the application.
  lifespan: () => ({ [Symbol.asyncDispose]: () => Promise.resolve() }),
}).addTool({ name: 'hello', execute: () => 'Hello from within' })
server.app.get('/users', (context) => context.json(['ann', 'bob'])) // beside MCP, wherever it is served

/** Call the tool over whatever answers `fetch`. */
async function hello(url: string, fetchIt: typeof fetch = fetch): Promise<void> {
  const client = new Client({ name: 'Ann', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: fetchIt }))
  const { content } = await client.callTool({ name: 'hello', arguments: {} })
  assert.deepEqual(content, [{ type: 'text', text: 'Hello from within' }])
  await client.close()
}

async function listening(listener: RequestListener): Promise<{ at: string; server: Server }> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await once(http, 'listening')
  return { at: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, server: http }
}

// Hono, under a prefix, with middleware around it
const seen: string[] = []
const app = new Hono().route(
  '/api',
  server.httpApp({
    middleware: [
      async (context, next) => {
        seen.push(context.req.path)
        await next()
      },
    ],
  }),
)
await hello('http://localhost/api/mcp', async (input, init) => app.request(new Request(input, init)))
assert.ok(seen.includes('/api/mcp'))
assert.deepEqual(await (await app.request('/api/users')).json(), ['ann', 'bob'])

// Express, behind its JSON parser
const expressApp = express().use(express.json()).use(server.nodeHandler())
const inExpress = await listening(expressApp)
await hello(`${inExpress.at}/mcp`)
inExpress.server.close().closeAllConnections()

// Fastify, through its middleware plugin
const fastifyApp = fastify()
await fastifyApp.register(middie)
fastifyApp.use(server.nodeHandler())
await hello(`${await fastifyApp.listen({ port: 0, host: '127.0.0.1' })}/mcp`)
await fastifyApp.close()

// node:http
const bare = await listening(server.nodeHandler())
await hello(`${bare.at}/mcp`)
bare.server.close().closeAllConnections()

// Workers, Deno, Bun, Next.js: whatever calls fetch
await hello('http://localhost/mcp', (input, init) => server.fetch(new Request(input, init)))
await server.stop()
