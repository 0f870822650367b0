/** Streams and answers of clients that are refused meanwhile: they end, and nothing of them is kept. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test, vi } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { Raw } from '../support/raw-http.js'
import { recordingLogger } from '../support/recording.js'
import {
  INITIALIZE,
  keyed,
  LIST,
  post,
  secured,
  sessionOf,
  withComponents,
  type User,
} from '../support/secured.js'

const NAME = { name: 'test', version: '1.0.0' }

describe('streams', () => {
  const listening = async (url: string, headers: Record<string, string>) =>
    fetch(url, { headers: { accept: 'text/event-stream', ...headers } })

  test('that have ended are not asked about any more', async () => {
    const { server, seen } = secured()
    const url = await serve(withComponents(server))
    const ann = await sessionOf(url, keyed('ann').headers)
    const stream = await listening(url, ann)
    await post(url, ann, LIST)
    await fetch(url, { method: 'DELETE', headers: ann })
    await stream.text()
    const before = seen.length
    await post(url, { ...ann, ...keyed('wrong').headers }, LIST)
    expect(seen.length - before).toBe(1)
  })

  test('that were opened with what is too old end, and their session goes on with what is new', async () => {
    const good = new Set(['old', 'new'])
    const server = new FastMCP<User>({
      ...NAME,
      authenticate: ({ headers }) =>
        good.has(headers['x-api-key'] ?? '') ? { id: 'ann', permissions: [] } : undefined,
      logger: recordingLogger().logger,
    })
    const url = await serve(withComponents(server))
    const old = await sessionOf(url, keyed('old').headers)
    const reading = (await listening(url, old)).text()
    good.delete('old')
    expect((await post(url, old, LIST)).status).toBe(401)
    await expect(reading).rejects.toThrow('terminated')
    expect((await post(url, { ...old, ...keyed('new').headers }, LIST)).status).toBe(200)
  })

  test('live on while it cannot be found out who may', async () => {
    let isAway = false
    const server = new FastMCP<User>({
      ...NAME,
      authenticate: () => {
        if (isAway) throw new Response(null, { status: 503 })
        return { id: 'ann', permissions: [] }
      },
    })
    const url = await serve(withComponents(server))
    const ann = await sessionOf(url, {})
    const stream = await listening(url, ann)
    isAway = true
    expect((await post(url, ann, LIST)).status).toBe(503)
    isAway = false
    expect((await post(url, ann, LIST)).status).toBe(200)
    expect((await listening(url, ann)).status).toBe(409)
    await stream.body?.cancel()
  })
})

test('what waits behind other requests is forgotten with its connection', async () => {
  const { server, seen } = secured()
  server.addTool({
    name: 'waits',
    execute: (_args, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  })
  const url = await serve(server)
  const raw = await Raw.connect(url)
  for (const id of [1, 2, 3]) {
    const { headers, body } = Raw.init2026('tools/call', { name: 'waits' }, {}, id)
    raw.post(body, { ...headers, ...keyed('ann').headers })
  }
  await expect.poll(() => server.status().requests).toBe(3)
  raw.destroy()
  await expect.poll(() => server.status().requests).toBe(0)
  const before = seen.length
  await post(url, { ...keyed('ann').headers, 'mcp-session-id': 'none' }, LIST)
  expect(seen.length - before).toBe(1)
})

test('over fetch, an answer that has not begun ends when its client is refused', async () => {
  const { server, users } = secured()
  let finish: () => void = () => undefined
  server.addTool({ name: 'waits', execute: () => new Promise<void>((resolve) => (finish = resolve)) })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...keyed('ann').headers,
  }
  const ask = (body: object, more: object = {}) =>
    server.request('/mcp', { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) })
  const session = { 'mcp-session-id': (await ask(INITIALIZE)).headers.get('mcp-session-id') ?? '' }
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'waits' } }
  const answering = ask(call, session)
  await expect.poll(() => server.status().requests).toBe(1)
  users.delete('ann')
  expect((await ask(LIST, session)).status).toBe(401)
  expect((await answering).status).toBe(401)
  finish()
  await server.stop()
})

describe('time', () => {
  const JSON_POST = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...keyed('ann').headers,
    },
    body: JSON.stringify(INITIALIZE),
  }

  test('is limited in which it has to be found out who asks', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onCleanup(() => void vi.useRealTimers())
    const { logger, lines } = recordingLogger()
    const server = new FastMCP<User>({
      ...NAME,
      logger,
      authenticate: () => new Promise<User>(() => undefined),
    })
    const answering = server.request('/mcp', JSON_POST)
    await vi.waitFor(() => {
      expect(vi.getTimerCount()).toBeGreaterThan(0)
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await answering).status).toBe(503)
    expect(lines.join()).toContain('in time')
  })

  test('and again it is asked about who has a stream open', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onCleanup(() => void vi.useRealTimers())
    const { server, users, seen } = secured()
    const opened = await server.request('/mcp', JSON_POST)
    const headers = { ...JSON_POST.headers, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const stream = await server.request('/mcp', { headers: { ...headers, accept: 'text/event-stream' } })
    const reading = stream.text()
    reading.catch(() => undefined)
    const before = seen.length
    await vi.advanceTimersByTimeAsync(30_000)
    expect(seen.length - before).toBe(1)
    users.delete('ann')
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(reading).rejects.toThrow('refused')
    // What has ended is not asked about.
    await vi.advanceTimersByTimeAsync(60_000)
    expect(seen.length - before).toBe(2)
    await server.stop()
  })
})
