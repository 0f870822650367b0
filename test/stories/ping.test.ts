import { FastMCP, inMemoryTransports, type PingOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

function pinging(ping: PingOptions) {
  const logged: string[] = []
  const log = (level: string) => (text: string) => void logged.push(`${level}: ${text}`)
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const server = new FastMCP({ ...NAME, ping, logger }).addTool({
    name: 'wait',
    execute: (_args, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  })
  return { server, logged, record: new Recording(server) }
}

async function stream(url: string, session: Record<string, string>): Promise<Raw> {
  const connection = await Raw.connect(url)
  onCleanup(() => connection.destroy())
  connection.get(session)
  await connection.firstByte
  return connection
}

const pings = (connection: Raw) => [...connection.received.matchAll(/"id":"(ping-\d+)","method":"ping"/g)]

describe('a 2025 client with a stream', () => {
  test('is pinged when silent, kept while it answers, and let go when it does not', async () => {
    const { server, logged, record } = pinging({ intervalMs: 40, logLevel: 'info' })
    const url = await serve(server)
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    const session = await connection.initialize('2025-11-25')
    const listener = await stream(url, session)
    for (let nth = 1; nth <= 3; nth++) {
      await expect.poll(() => pings(listener).length, { interval: 1 }).toBe(nth)
      const id = pings(listener)[nth - 1]?.[1]
      expect((await connection.ask({ jsonrpc: '2.0', id, result: {} }, session)).status).toBe(202)
    }
    expect(record.disconnected).toEqual([])
    await record.gone()
    expect(record.reasons).toEqual(['ping timeout'])
    await expect.poll(() => listener.received).toMatch(/\r\n0\r\n\r\n$/)
    expect((await connection.send('DELETE', session)).status).toBe(404)
    expect(logged.filter((line) => line.includes('is pinged')).length).toBeGreaterThanOrEqual(4)
    expect(logged.at(-1)).toMatch(/^info: Session .* did not answer a ping, and is ended$/)
  })

  test('is not pinged before it is ready, nor where pings are off', async () => {
    for (const enabled of [true, false]) {
      const { server } = pinging({ intervalMs: 20, enabled })
      const url = await serve(server)
      const connection = await Raw.connect(url)
      onCleanup(() => connection.destroy())
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'c', version: '1' },
      }
      const { headers } = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
      const session = { 'mcp-session-id': headers['mcp-session-id'] ?? '' }
      if (!enabled) await connection.ask({ jsonrpc: '2.0', method: 'notifications/initialized' }, session)
      const listener = await stream(url, session)
      // Two sessions of the same server that are pinged, one after the other, show that time has passed.
      const clock = pinging({ intervalMs: 20 })
      const other = await serve(clock.server)
      const counted = await Raw.connect(other)
      onCleanup(() => counted.destroy())
      const witness = await stream(other, await counted.initialize('2025-11-25'))
      await expect.poll(() => pings(witness).length).toBeGreaterThan(0)
      await clock.record.gone()
      expect(pings(listener)).toEqual([])
    }
  })
})

test('a connection in memory is pinged only where that is asked for', async () => {
  const { server, record } = pinging({ intervalMs: 20, enabled: true })
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  const received: unknown[] = []
  clientSide.onmessage = (message) => received.push(message)
  await clientSide.start()
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  await clientSide.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  await clientSide.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await expect.poll(() => received.length).toBeGreaterThan(1)
  expect(received[1]).toMatchObject({ method: 'ping' })
  await record.gone()
  expect(record.reasons).toEqual(['ping timeout'])
})

test.each(['2026-07-28', '2025-11-25'])('a %s answer that takes long gets comments', async (era) => {
  const { server } = pinging({ intervalMs: 20 })
  const url = await serve(server)
  const connection = await Raw.connect(url)
  onCleanup(() => connection.destroy())
  if (era === '2026-07-28') connection.post2026('tools/call', { name: 'wait' })
  else {
    const session = await connection.initialize(era)
    const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'wait' } }
    connection.post(call, session)
  }
  await expect.poll(() => connection.received.split(': keep-alive').length).toBeGreaterThan(2)
  expect(connection.received).toContain('text/event-stream')
})

test('a subscription of 2026 gets comments', async () => {
  const { server } = pinging({ intervalMs: 20 })
  const connection = await Raw.connect(await serve(server))
  onCleanup(() => connection.destroy())
  connection.post2026('subscriptions/listen', { notifications: { toolsListChanged: true } })
  await expect.poll(() => connection.received.split(': keep-alive').length).toBeGreaterThan(2)
})
