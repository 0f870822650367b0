/** Each request shows who sent it, and sessions belong to who opened them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, FastMCP, type AuthRequest, type FastMCPOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { INITIALIZE, keyed, LIST, post, secured, withComponents, type User } from '../support/secured.js'

test('a session is not there for anybody but who opened it', async () => {
  const { server } = secured()
  const url = await serve(withComponents(server))
  const ann = keyed('ann').headers
  const opened = await post(url, ann)
  const id = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  const asBob = { ...keyed('bob').headers, 'mcp-session-id': id }
  const stream = (headers: object, method: string) =>
    fetch(url, { method, headers: { accept: 'text/event-stream', ...headers } })
  const unknown = await post(url, { ...ann, 'mcp-session-id': 'unknown' }, LIST)
  const foreign = await post(url, asBob, LIST)
  expect([foreign.status, await foreign.text()]).toEqual([unknown.status, await unknown.text()])
  expect(foreign.status).toBe(404)
  expect((await stream(asBob, 'GET')).status).toBe(404)
  expect((await stream(asBob, 'DELETE')).status).toBe(404)
  expect((await post(url, { ...ann, 'mcp-session-id': id }, LIST)).status).toBe(200)
  expect((await stream({ ...ann, 'mcp-session-id': id }, 'DELETE')).status).toBe(204)
})

test('a session over HTTP+SSE is not there for anybody but who opened it', async () => {
  const { server } = secured()
  const base = (await serve(withComponents(server))).replace('/mcp', '')
  expect((await fetch(`${base}/sse`)).status).toBe(401)
  const controller = new AbortController()
  onCleanup(() => {
    controller.abort()
  })
  const opened = await fetch(`${base}/sse`, { ...keyed('ann'), signal: controller.signal })
  const first = await opened.body!.getReader().read()
  const path = /data: (\S+)/.exec(new TextDecoder().decode(first.value))?.[1] ?? ''
  expect((await post(base + path, keyed('bob').headers)).status).toBe(404)
  expect((await post(base + path)).status).toBe(401)
  expect((await post(base + path, keyed('ann').headers)).status).toBe(202)
})

test('what a user keeps open is asked about anew, and ends when he is refused by then', async () => {
  const { server, users } = secured()
  const base = (await serve(withComponents(server))).replace('/mcp', '')
  const url = `${base}/mcp`
  const ann = keyed('ann').headers
  const id = (await post(url, ann)).headers.get('mcp-session-id') ?? ''
  const headers = { ...ann, accept: 'text/event-stream', 'mcp-session-id': id }
  const reading = (await fetch(url, { headers })).text()
  users.delete('ann')
  // A stranger who knows the session ends nothing.
  expect((await post(url, { 'mcp-session-id': id, 'x-api-key': 'wrong' }, LIST)).status).toBe(401)
  await expect(reading).rejects.toThrow('terminated')
})

test('a stranger who knows the id of a session ends none of its streams', async () => {
  const { server } = secured()
  const url = await serve(withComponents(server))
  const ann = keyed('ann').headers
  const id = (await post(url, ann)).headers.get('mcp-session-id') ?? ''
  const headers = { ...ann, accept: 'text/event-stream', 'mcp-session-id': id }
  const stream = await fetch(url, { headers })
  expect((await post(url, { 'mcp-session-id': id, 'x-api-key': 'wrong' }, LIST)).status).toBe(401)
  expect((await post(url, { ...ann, 'mcp-session-id': id }, LIST)).status).toBe(200)
  expect((await fetch(url, { headers })).status).toBe(409)
  await stream.body?.cancel()
})

test.each<[string, NonNullable<FastMCPOptions<User>['authenticate']>, number]>([
  [
    'throws',
    () => {
      throw new Error('secret reason')
    },
    401,
  ],
  ['rejects', async () => Promise.reject(new Error('secret reason')), 401],
  ['gives nothing', () => undefined, 401],
  ['gives nothing later', async () => undefined, 401],
  ['gives false', () => false as unknown as undefined, 401],
  ['says that it is not authenticated', () => ({ authenticated: false, error: 'x' }) as unknown as User, 401],
  ['gives a Response', () => new Response('teapot', { status: 418 }) as unknown as User, 418],
  [
    'rejects with a Response',
    async () => Promise.reject(Response.json({ wait: true }, { status: 503 })),
    503,
  ],
  ['gives what cannot be told apart', () => ({ id: 1n }) as unknown as User, 500],
])('when authenticate %s, nobody is let in', async (_what, authenticate, status) => {
  const { server, lines } = secured({ authenticate })
  const url = await serve(withComponents(server))
  const base = url.replace('/mcp', '')
  const answers = await Promise.all([
    post(url),
    fetch(url),
    fetch(url, { method: 'DELETE' }),
    fetch(url, { method: 'PUT' }),
    fetch(`${base}/sse`),
    post(`${base}/messages?sessionId=1`),
  ])
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status))
  const texts = await Promise.all(answers.map((answer) => answer.text()))
  expect(texts.join()).not.toContain('secret reason')
  if (status === 401 && !answers[0]?.headers.has('www-authenticate'))
    expect(lines.join()).toContain('authenticate')
  expect((await fetch(`${base}/health`)).status).toBe(200)
  expect(Object.keys((await (await fetch(`${base}/ready`)).json()) as object)).toEqual([
    'name',
    'version',
    'state',
    'ready',
  ])
  expect(server.sessions).toEqual([])
})

test('nothing is read of the body of who is not let in', async () => {
  const { server } = secured()
  const { port } = new URL(await serve(server))
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n')
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const flood = setInterval(() => socket.write(chunk), 1)
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(first.toString()).toMatch(/^HTTP\/1.1 401 /)
  // However much of it there is, the connection ends.
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(flood)
})

test('a client that goes while it is found out who it is leaves nothing', async () => {
  let letIn: (user: User) => void = () => undefined
  const { server } = secured({ authenticate: () => new Promise<User>((resolve) => (letIn = resolve)) })
  const url = await serve(withComponents(server))
  const controller = new AbortController()
  const going = fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify(INITIALIZE),
    signal: controller.signal,
  })
  const gone = expect(going).rejects.toThrow()
  await expect.poll(() => letIn.length).toBe(1)
  controller.abort()
  await gone
  letIn({ id: 'ann', permissions: [] })
  await expect.poll(() => server.status().requests).toBe(0)
  expect(server.status().sessions.connected).toBe(0)
})

describe('a connection without headers', () => {
  test('is asked about once, and closed to who is not let in', async () => {
    const seen: AuthRequest[] = []
    const letsIn = new FastMCP<User>({
      name: 'memory',
      version: '1.0.0',
      authenticate: (request) => {
        seen.push(request)
        return { id: request.transport, permissions: [] }
      },
    })
    const client = await connected(withComponents(letsIn))
    expect((await client.callTool('who')).data).toBe('Hello, inMemory')
    expect(seen.map(({ transport, headers }) => [transport, Object.keys(headers)])).toEqual([
      ['inMemory', []],
    ])
    await expect(Client.connect(withComponents(secured().server))).rejects.toThrow('does not let in')
  })
})

test('a server on stdio does not start for who is not let in', async () => {
  const file = new URL('../servers/closed.ts', import.meta.url).pathname
  const command = { command: process.execPath, args: ['--import', 'tsx', file] }
  const client = await connected({ ...command, env: { USER_KEY: 'ann' } })
  expect((await client.callTool('who')).data).toBe('stdio ann')
  const closed = spawn(command.command, command.args)
  let [out, err] = ['', '']
  closed.stdout.on('data', (chunk: Buffer) => (out += String(chunk)))
  closed.stderr.on('data', (chunk: Buffer) => (err += String(chunk)))
  const [code] = (await once(closed, 'close')) as [number]
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('does not let in who connects over stdio')
})

test('of who may hear a call again, only those hear it who made it', async () => {
  // A state that was sealed for one is not opened for another of the same name.
  const { server } = secured()
  server.addTool({
    name: 'asks',
    execute: async (_args, { elicit, session }) => {
      const answer = await elicit({ message: 'Sure?', schema: z.object({ sure: z.boolean() }) })
      return `${session.id} ${answer.action}`
    },
  })
  const url = await serve(server)
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'same', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  }
  const call = async (key: string, more: object = {}) => {
    const headers = {
      ...keyed(key).headers,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'asks',
    }
    const params = { name: 'asks', arguments: {}, ...more, _meta: meta }
    const response = await post(url, headers, { jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    return (await response.json()) as {
      result?: { requestState?: string; inputRequests?: Record<string, object> }
      error?: { code: number }
    }
  }
  const asked = await call('ann')
  const { requestState, inputRequests = {} } = asked.result ?? {}
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests).map((name) => [name, { action: 'decline' }]),
  )
  expect((await call('bob', { requestState, inputResponses })).error?.code).toBe(-32602)
  expect(JSON.stringify(await call('ann', { requestState, inputResponses }))).toContain('ann decline')
})
