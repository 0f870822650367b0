import { Client, SSEClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js'
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answering } from '../support/answering.js'
import { onCleanup, serve, type OfficialClient } from '../support/clients.js'
import { NAME, PING } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

function server() {
  const of = new FastMCP(NAME)
    .addTool({ name: 'echo', parameters: z.object({ text: z.string() }), execute: ({ text }) => text })
    .addTool({
      name: 'progress',
      execute: async (_args, { reportProgress, log }) => {
        await reportProgress({ progress: 1 })
        log.warn('careful')
        // The official clients miss what reaches them in one piece with the answer.
        await new Promise((resolve) => setTimeout(resolve, 50))
        return 'done'
      },
    })
    .addTool({
      name: 'ask',
      execute: async (_args, { elicit }) =>
        (await elicit({ message: 'Sure?', schema: z.object({ sure: z.boolean() }) })).action,
    })
  return { of, record: new Recording(of) }
}

async function connected(which: string, url: string): Promise<OfficialClient> {
  const sse = new URL(url.replace('/mcp', '/sse'))
  const options = { capabilities: { elicitation: {}, roots: {} } }
  const client = which === 'v1' ? new ClientV1(NAME, options) : new Client(NAME, options)
  answering(client as OfficialClient, {
    elicit: () => ({ action: 'decline' }),
    roots: () => [{ uri: 'file:///old' }],
  })
  await client.connect(which === 'v1' ? new SseV1(sse) : new SSEClientTransport(sse))
  onCleanup(() => client.close())
  return client as OfficialClient
}

describe.each(['v1', 'v2'])('the official SSE client %s', (which) => {
  test('calls, is asked, and hears of progress and changes', async () => {
    const { of, record } = server()
    const client = await connected(which, await serve(of))
    expect(await client.callTool({ name: 'echo', arguments: { text: 'hi ☃' } })).toMatchObject({
      content: [{ text: 'hi ☃' }],
    })
    expect(await client.callTool({ name: 'ask', arguments: {} })).toMatchObject({
      content: [{ text: 'decline' }],
    })
    const session = await record.session()
    expect([session.transport, session.roots]).toEqual(['sse', [{ uri: 'file:///old' }]])
    const heard: string[] = []
    client.fallbackNotificationHandler = async ({ method }) => void heard.push(method)
    await client.callTool({ name: 'progress', arguments: {} })
    of.removeTool('ask')
    await expect.poll(() => heard).toEqual(['notifications/message', 'notifications/tools/list_changed'])
    await session.ping()
    await client.close()
    await record.gone()
    expect(record.reasons).toEqual(['connection closed'])
  })

  test('many at once get their own answers', async () => {
    const { of } = server()
    const url = await serve(of)
    const clients = await Promise.all([1, 2, 3, 4].map(() => connected(which, url)))
    await Promise.all(
      clients.map(async (client, index) => {
        const text = `client ${index}`
        const result = await client.callTool({ name: 'echo', arguments: { text } })
        expect(result).toMatchObject({ content: [{ text }] })
      }),
    )
  })
})

describe('over a raw socket', () => {
  async function opened(options: object = {}, path = '/sse') {
    const { of, record } = server()
    const url = await serve(of, options)
    const stream = await Raw.connect(url)
    onCleanup(() => stream.destroy())
    stream.get({}, path)
    await expect.poll(() => stream.received).toContain('event: endpoint')
    const messages = /data: (\S+)/.exec(stream.received)?.[1] ?? ''
    const poster = await Raw.connect(new URL(messages, url).href)
    onCleanup(() => poster.destroy())
    return { of, record, url, stream, messages, poster }
  }

  test('the stream says first where to send messages, and answers come on it', async () => {
    const { stream, messages, poster } = await opened()
    expect(messages).toMatch(/^\/messages\?sessionId=[0-9a-f-]{36}$/)
    const answer = await poster.ask(PING)
    expect([answer.status, answer.body]).toEqual([202, 'Accepted'])
    await expect.poll(() => stream.received).toContain('data: {"jsonrpc":"2.0","id":1,"result":{}}')
  })

  test('a session is no session of the other transport, nor known when its stream has gone', async () => {
    const { stream, messages, poster, url, record } = await opened()
    const id = messages.split('=')[1] ?? ''
    const mcp = await Raw.connect(url)
    onCleanup(() => mcp.destroy())
    expect((await mcp.ask(PING, { 'mcp-session-id': id })).status).toBe(404)
    const params = {
      protocolVersion: '2024-11-05',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }
    await poster.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await poster.ask({ jsonrpc: '2.0', method: 'notifications/initialized' })
    await record.session()
    stream.destroy()
    await record.gone()
    expect((await poster.ask(PING)).status).toBe(404)
  })

  test.each([
    ['an unknown session', '/messages?sessionId=nobody', PING, {}, 404],
    ['a session called __proto__', '/messages?sessionId=__proto__', PING, {}, 404],
    ['no session', '/messages', PING, {}, 404],
  ])('%s is refused', async (_what, path, message, headers, status) => {
    const { url } = await opened()
    const connection = await Raw.connect(new URL(path, url).href)
    onCleanup(() => connection.destroy())
    expect((await connection.ask(message, headers)).status).toBe(status)
  })

  test('what is no message is refused at once', async () => {
    const { poster } = await opened({ maxBodyBytes: 100 })
    expect((await poster.ask('{')).status).toBe(400)
    expect((await poster.ask({ jsonrpc: '1.0' })).status).toBe(400)
    expect((await poster.ask(PING, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await poster.ask({ ...PING, params: { x: 'x'.repeat(100) } })).status).toBe(413)
  })

  test('pages from elsewhere are refused', async () => {
    const { url, poster } = await opened()
    const evil = { origin: 'http://evil.example' }
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    expect((await connection.send('GET', evil, '/sse')).status).toBe(403)
    expect((await poster.ask(PING, evil)).status).toBe(403)
  })

  test('each path takes its own method', async () => {
    const { url } = await opened()
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    expect((await connection.send('POST', { 'content-length': '0' }, '/sse')).status).toBe(405)
    expect((await connection.send('GET', {}, '/messages')).status).toBe(405)
  })

  test('the server stops, and the stream ends', async () => {
    const { of, stream } = await opened()
    await of.stop()
    await stream.closed()
  })
})

test('where it is not wanted, it is not there', async () => {
  const { of } = server()
  const connection = await Raw.connect(await serve(of, { sse: false }))
  onCleanup(() => connection.destroy())
  expect((await connection.send('GET', {}, '/sse')).status).toBe(404)
})
