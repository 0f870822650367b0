/** Our client over HTTP+SSE, the transport of 2024-11-05. */
import { SSETransport } from 'fastmesh'
import { expect, test, vi } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { connected } from '../support/own-client.js'
import { RawUpstream } from '../support/raw-upstream.js'

async function sseUrl(): Promise<string> {
  return new URL('/sse', await serve(echoServer())).href
}

test('a connection that is older than the time-out of the endpoint event › stays open', async () => {
  const url = await sseUrl()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onCleanup(() => vi.useRealTimers())
  const client = await connected({ url, transport: 'sse' })
  vi.advanceTimersByTime(60_000)
  vi.useRealTimers()
  expect(client.isConnected).toBe(true)
  expect((await client.callTool('plain')).data).toBe('plain')
})

test('a server that names no endpoint › is given up, and its stream is closed', async () => {
  const upstream = await RawUpstream.start(() => [
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hi\n\n',
  ])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onCleanup(() => vi.useRealTimers())
  const transport = new SSETransport(upstream.url)
  const started = expect(transport.start()).rejects.toThrow('the SSE endpoint')
  await vi.waitUntil(() => upstream.sockets.size === 1)
  vi.advanceTimersByTime(15_000)
  vi.useRealTimers()
  await started
  await expect.poll(() => upstream.sockets.size).toBe(0)
})

test('thirty calls at once › print no warning', async () => {
  const warnings: unknown[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  onCleanup(() => process.off('warning', onWarning))
  const client = await connected({ url: await sseUrl(), transport: 'sse' })
  const calls = await Promise.all(Array.from({ length: 30 }, () => client.callTool('plain')))
  expect(calls.map(({ data }) => data)).toEqual(Array(30).fill('plain'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})
