/** An upstream that cannot be reached is tried by one schedule, whoever wants it. */
import { createServer, type AddressInfo } from 'node:net'
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

/** A server that answers each connection with `answer`, and keeps the times at which they came. */
async function refusing(answer: string): Promise<{ url: string; times: number[] }> {
  const times: number[] = []
  const server = createServer((socket) => {
    times.push(performance.now())
    socket.on('error', () => undefined).on('data', () => socket.end(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => new Promise((resolve) => server.close(resolve)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, times }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, at) => time - (times[at] ?? 0))

test('an upstream that breaks every connection › is tried at growing intervals, also while clients ask for it', async () => {
  const { url, times } = await refusing('')
  const { logger } = recordingLogger()
  const proxy = FastMCP.asProxy(url, { name: 'proxy', era: '2025-11-25', logger })
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  const asking = setInterval(() => void client.listTools().catch(() => undefined), 20)
  onCleanup(() => clearInterval(asking))
  await expect.poll(() => times.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(5)
  const [first = 0, second = 0, third = 0] = gaps(times)
  // A back-off of 250 ms that doubles, of which at least half is waited.
  expect(first).toBeGreaterThan(100)
  expect(second).toBeGreaterThan(200)
  expect(third).toBeGreaterThan(400)
}, 30_000)

test('an upstream that says Retry-After › is left alone for that long', async () => {
  const { url, times } = await refusing(
    'HTTP/1.1 503 Busy\r\nretry-after: 2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
  )
  const { logger } = recordingLogger()
  const proxy = FastMCP.asProxy(url, { name: 'proxy', era: '2025-11-25', logger })
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  const asking = setInterval(() => void client.listTools().catch(() => undefined), 20)
  onCleanup(() => clearInterval(asking))
  await expect.poll(() => times.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(2)
  expect(gaps(times)[0]).toBeGreaterThan(1900)
}, 30_000)
