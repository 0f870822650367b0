/** A proxy takes over the options of a client that it is made of, and the ids of what its upstream asks for. */
import { Client, FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { hostileUpstream, messageOf, toolResult } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { hangs, ScriptedUpstream } from '../support/scripted-upstream.js'

test.each(['2025-11-25', '2026-07-28'] as const)(
  'a client with era %s › the proxy speaks it',
  async (era) => {
    const proxy = FastMCP.asProxy(new Client(await serve(echoServer()), { era }))
    const client = await connected(await serve(proxy))
    expect((await client.callTool('plain')).data).toBe('plain')
    await expect.poll(() => proxy.status().upstreams[0]?.protocolVersion).toBe(era)
  },
)

test('a client with a time-out › is the time-out of calls through the proxy, unless it has its own', async () => {
  const upstream = await ScriptedUpstream.start(hangs)
  const target = new Client(upstream.url, { era: '2025-11-25', timeoutMs: 100 })
  const client = await connected(await serve(FastMCP.asProxy(target, { name: 'proxy' })))
  const result = await client.callTool('it', {}, { throwOnError: false })
  expect(result.data).toContain('did not answer in time')
})

test('an elicitation by URL › reaches the client with the id that the upstream gave it', async () => {
  let answerCall: () => void = () => undefined
  const upstream = await hostileUpstream('2025-11-25', ({ id }, { socket }) => {
    answerCall = () => void socket.end(`data: ${toolResult(id, 'asked')}\n\n`)
    const params = { mode: 'url', message: 'Pay', url: 'https://example.com/', elicitationId: 'payment-1' }
    const asked = JSON.stringify({ jsonrpc: '2.0', id: 99, method: 'elicitation/create', params })
    return [
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: ${asked}\n\n`,
    ]
  })
  const { script } = upstream
  upstream.script = (request) => {
    if (messageOf(request)?.id !== 99) return script(request)
    answerCall()
    return ['HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n']
  }
  const ids: unknown[] = []
  const client = await connected(await serve(FastMCP.asProxy(upstream.url, { era: '2025-11-25' })), {
    era: '2025-11-25',
    elicitation: ({ elicitationId }: { elicitationId?: string }) => {
      ids.push(elicitationId)
      return { action: 'accept' }
    },
  })
  expect((await client.callTool('echo')).data).toBe('asked')
  expect(ids).toEqual(['payment-1'])
})
