import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { serve as serveHono } from '@hono/node-server'
import middie from '@fastify/middie'
import express from 'express'
import fastify from 'fastify'
import { FastMCP } from 'fastmesh'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup } from '../support/clients.js'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

function embedded(name = 'embedded') {
  const opened: string[] = []
  const server = new FastMCP({
    ...NAME,
    name,
    lifespan: () => {
      opened.push('open')
      return { [Symbol.asyncDispose]: async () => void opened.push('close') }
    },
  })
    .addTool({ name: 'echo', parameters: z.object({ text: z.string() }), execute: ({ text }) => text })
    .addTool({
      name: 'progress',
      execute: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 1 })
        return name
      },
    })
  server.app.get('/custom', (context) => context.json({ of: name }))
  server.app.post('/custom', async (context) => context.text(`${name} got ${await context.req.text()}`))
  onCleanup(() => server.stop())
  return { server, opened, record: new Recording(server) }
}

async function onNode(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function onFastify(server: FastMCP<unknown, object>, prefix?: string): Promise<string> {
  const app = fastify()
  await app.register(middie)
  const handler = server.nodeHandler()
  if (prefix === undefined) app.use(handler)
  else app.use(prefix, handler)
  app.get('/own', () => ({ own: 'fastify' }))
  onCleanup(() => app.close())
  return app.listen({ port: 0, host: '127.0.0.1' })
}

async function onHono(app: { fetch: (request: Request) => Response | Promise<Response> }): Promise<string> {
  const listener = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await new Promise((resolve) => listener.once('listening', resolve))
  onCleanup(() => {
    listener.closeAllConnections()
    listener.close()
  })
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
}

function withExpress(server: FastMCP<unknown, object>, ...before: express.RequestHandler[]): express.Express {
  const app = express()
  for (const each of before) app.use(each)
  app.use(server.nodeHandler())
  app.get('/own', (_request, response) => void response.json({ own: 'express' }))
  return app
}

const HOSTS: Record<string, (server: FastMCP<unknown, object>) => Promise<string>> = {
  'a Hono app': (server) => {
    const app = new Hono()
    app.route('/', server.httpApp())
    app.get('/own', (context) => context.json({ own: 'hono' }))
    return onHono(app)
  },
  'an Express 5 app': (server) => onNode(withExpress(server)),
  'an Express 5 app that parses JSON first': (server) => onNode(withExpress(server, express.json())),
  'an Express 5 app that reads text first': (server) =>
    onNode(withExpress(server, express.text({ type: '*/*' }))),
  'an Express 5 app that reads bytes first': (server) =>
    onNode(withExpress(server, express.raw({ type: '*/*' }))),
  'a Fastify app': (server) => onFastify(server),
  'a bare node:http server': (server) => onNode(server.nodeHandler()),
  'a runtime that only has fetch': (server) => onHono({ fetch: (request) => server.fetch(request) }),
}

async function clientTo(url: string, mode: 'legacy' | 'auto', sse = false): Promise<Client> {
  const client = new Client(NAME, { versionNegotiation: { mode } })
  const to = new URL(url)
  await client.connect(sse ? new SSEClientTransport(to) : new StreamableHTTPClientTransport(to))
  onCleanup(() => client.close())
  return client
}

const get = async (url: string) => {
  const answer = await fetch(url)
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
}

describe.each(Object.entries(HOSTS))('within %s', (kind, host) => {
  test.each(['legacy', 'auto'] as const)('a client in mode %s is served, streams and all', async (mode) => {
    const { server, record } = embedded()
    const client = await clientTo(`${await host(server)}/mcp`, mode)
    const result = await client.callTool({ name: 'echo', arguments: { text: 'hi ☃ "quoted"' } })
    expect(result.content).toEqual([{ type: 'text', text: 'hi ☃ "quoted"' }])
    const progress: unknown[] = []
    await client.callTool(
      { name: 'progress', arguments: {} },
      { onprogress: (report) => progress.push(report) },
    )
    expect(progress).toEqual([{ progress: 1 }])
    const heard: string[] = []
    client.fallbackNotificationHandler = async ({ method }) => void heard.push(method)
    if (mode === 'legacy') {
      await expect
        .poll(() =>
          record.connected[0]?.ping().then(
            () => 'pong',
            () => 'no stream',
          ),
        )
        .toBe('pong')
      server.removeTool('progress')
      await expect.poll(() => heard).toEqual(['notifications/tools/list_changed'])
    }
  })

  test('HTTP+SSE works too', async () => {
    const { server } = embedded()
    const client = await clientTo(`${await host(server)}/sse`, 'legacy', true)
    const result = await client.callTool({ name: 'echo', arguments: { text: 'old' } })
    expect(result.content).toEqual([{ type: 'text', text: 'old' }])
  })

  test('health, routes beside it, and what is not its own', async () => {
    const { server } = embedded()
    const url = await host(server)
    expect(await get(`${url}/health`)).toEqual({ status: 200, body: 'ok' })
    expect(await get(`${url}/ready`)).toMatchObject({ status: 200, body: { ready: true, name: 'embedded' } })
    expect(await get(`${url}/custom`)).toEqual({ status: 200, body: { of: 'embedded' } })
    if (!kind.includes('first')) {
      const posted = await fetch(`${url}/custom`, { method: 'POST', body: 'something' })
      expect(await posted.text()).toBe('embedded got something')
    }
    const own = await get(`${url}/own`)
    expect(own.status).toBe(kind.includes('app') ? 200 : 404)
    expect((await get(`${url}/nothing`)).status).toBe(404)
  })

  test('the lifespan begins with the first request and ends with stop, after which nothing is answered', async () => {
    const { server, opened } = embedded()
    const url = await host(server)
    expect(opened).toEqual([])
    await Promise.all([1, 2, 3].map(() => get(`${url}/health`)))
    expect(opened).toEqual(['open'])
    await server.stop()
    expect(opened).toEqual(['open', 'close'])
    const { status } = await fetch(`${url}/mcp`, Raw.init2026('tools/list'))
    expect(status).toBe(503)
    expect((await get(`${url}/ready`)).status).toBe(503)
    expect(opened).toEqual(['open', 'close'])
  })

  test('what is too large, broken or from elsewhere is refused', async () => {
    const { server } = embedded()
    const url = await host(server)
    const broken = await fetch(`${url}/mcp`, { ...Raw.init2026('tools/list'), body: '{' })
    expect(broken.status).toBe(400)
    const evil = Raw.init2026('tools/list')
    const refused = await fetch(`${url}/mcp`, {
      ...evil,
      headers: { ...evil.headers, origin: 'http://evil.example' },
    })
    expect(refused.status).toBe(403)
    const large = Raw.init2026('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(5_000_000) } })
    const tooLarge = await fetch(`${url}/mcp`, large).catch(() => ({ status: 413 }))
    expect(tooLarge.status).toBe(413)
  })
})

const PREFIXED: Record<string, (server: FastMCP<unknown, object>) => Promise<string>> = {
  Hono: (server) => onHono(new Hono().route('/api/v1', server.httpApp())),
  Express: (server) => onNode(express().use('/api/v1', server.nodeHandler())),
  Fastify: (server) => onFastify(server, '/api/v1'),
}

describe.each(Object.entries(PREFIXED))('under a prefix of %s', (_name, host) => {
  test('both transports and the routes are reached', async () => {
    const { server } = embedded()
    const url = `${await host(server)}/api/v1`
    for (const client of [
      await clientTo(`${url}/mcp`, 'legacy'),
      await clientTo(`${url}/mcp`, 'auto'),
      await clientTo(`${url}/sse`, 'legacy', true),
    ])
      expect(await client.callTool({ name: 'echo', arguments: { text: 'here' } })).toMatchObject({
        content: [{ text: 'here' }],
      })
    expect(await get(`${url}/health`)).toEqual({ status: 200, body: 'ok' })
    expect(await get(`${url}/custom`)).toEqual({ status: 200, body: { of: 'embedded' } })
  })
})

describe('two servers in one app', () => {
  test.each([
    [
      'Hono',
      (one: FastMCP<unknown, object>, two: FastMCP<unknown, object>) =>
        onHono(new Hono().route('/one', one.httpApp()).route('/two', two.httpApp({ endpoint: '/rpc' }))),
    ],
    [
      'Express',
      (one: FastMCP<unknown, object>, two: FastMCP<unknown, object>) =>
        onNode(
          express()
            .use('/one', one.nodeHandler())
            .use('/two', two.nodeHandler({ endpoint: '/rpc' })),
        ),
    ],
  ])('of %s do not meet', async (_name, host) => {
    const [one, two] = [embedded('first'), embedded('second')]
    const url = await host(one.server, two.server)
    const clients = [await clientTo(`${url}/one/mcp`, 'legacy'), await clientTo(`${url}/two/rpc`, 'legacy')]
    const answers = await Promise.all(
      clients.map((client) => client.callTool({ name: 'progress', arguments: {} })),
    )
    expect(answers).toMatchObject([{ content: [{ text: 'first' }] }, { content: [{ text: 'second' }] }])
    expect([one.server.sessions.length, two.server.sessions.length]).toEqual([1, 1])
    expect(await get(`${url}/two/custom`)).toEqual({ status: 200, body: { of: 'second' } })
  })
})

test('middleware goes around all that the app answers', async () => {
  const { server } = embedded()
  const seen: string[] = []
  const app = server.httpApp({
    middleware: [
      async (context, next) => {
        seen.push(`${context.req.method} ${context.req.path}`)
        await next()
        context.header('x-seen', 'yes')
      },
    ],
  })
  const answer = await app.request('/mcp', Raw.init2026('tools/list'))
  expect([answer.status, answer.headers.get('x-seen')]).toEqual([200, 'yes'])
  expect((await app.request('/custom')).headers.get('x-seen')).toBe('yes')
  expect(seen).toEqual(['POST /mcp', 'GET /custom'])
})

test('custom routes are served beside MCP by start, also those added later', async () => {
  const server = new FastMCP(NAME)
  const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  onCleanup(() => server.stop())
  const base = url.replace('/mcp', '')
  expect((await get(`${base}/late`)).status).toBe(404)
  server.app.get('/late', (context) => context.text('here now'))
  expect(await get(`${base}/late`)).toEqual({ status: 200, body: 'here now' })
  const rebound = await Raw.connect(`${base}/late`)
  onCleanup(() => rebound.destroy())
  expect((await rebound.send('GET', { host: 'evil.example' })).status).toBe(403)
})

test('a lifespan that fails is told as 503, and tried again', async () => {
  let tries = 0
  const logged: unknown[] = []
  const log = (...message: unknown[]) => void logged.push(message[0])
  const server = new FastMCP({
    ...NAME,
    logger: { debug: log, info: log, warn: log, error: log },
    lifespan: () => {
      tries += 1
      if (tries < 3) throw new Error('no database')
    },
  })
  onCleanup(() => server.stop())
  const refused = await server.request('/mcp', Raw.init2026('tools/list'))
  expect([refused.status, await refused.text()]).toEqual([503, expect.not.stringContaining('database')])
  const ready = await server.request('/ready')
  expect([ready.status, await ready.json()]).toEqual([
    503,
    expect.objectContaining({ ready: false, state: 'starting', lastError: 'The lifespan failed' }),
  ])
  await expect.poll(() => server.status().state).toBe('idle')
  expect((await server.request('/mcp', Raw.init2026('tools/list'))).status).toBe(200)
  expect(server.status()).toMatchObject({ ready: true, lastError: undefined })
  expect(logged).toEqual(['The lifespan failed', 'The lifespan failed'])
})
