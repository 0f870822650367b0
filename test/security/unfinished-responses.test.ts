/** Responses that do not end: each exchange ends within a bound, and its socket goes. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { ERA_PAIRS, hostileUpstream, withLength, type CallScript } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'
const ENDLESS = 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'

const SCRIPTS: Record<string, CallScript> = {
  'an event stream that stays open after the response': ({ response }) => [`${EVENTS}data: ${response}\n\n`],
  'an event stream that goes on after the response': ({ response }, { socket }) => {
    const timer = setInterval(() => socket.write(`: ${'x'.repeat(10_000)}\n\n`), 5)
    socket.on('close', () => clearInterval(timer))
    return [`${EVENTS}data: ${response}\n\n`]
  },
  'JSON in chunks that goes on after the response': ({ response }, { socket }) => {
    const timer = setInterval(() => socket.write('1\r\n \r\n'), 20)
    socket.on('close', () => clearInterval(timer))
    const length = Buffer.byteLength(response).toString(16)
    return [
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${length}\r\n${response}\r\n`,
    ]
  },
  'an error status with an endless body': () => [`HTTP/1.1 500 No\r\ncontent-type: text/plain\r\n${ENDLESS}`],
  'an error status with a huge body': () => [
    `HTTP/1.1 400 No\r\ncontent-type: text/plain\r\n\r\n`,
    Buffer.alloc(300_000, 'x'),
  ],
  'another content type with an endless body': () => [
    `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n${ENDLESS}`,
  ],
  'no content type': () => [`HTTP/1.1 200 OK\r\n${ENDLESS}`],
  'status 202 with an endless body': () => [`HTTP/1.1 202 Accepted\r\n${ENDLESS}`],
  'a redirect with an endless body': (_call, { head }) =>
    head.includes(' /mcp ')
      ? [`HTTP/1.1 307 Moved\r\nlocation: /there\r\n${ENDLESS}`]
      : [`HTTP/1.1 500 No\r\n${ENDLESS}`],
}

describe.each(ERA_PAIRS)('20 calls, $front → $behind', (eras) => {
  test.each(Object.entries(SCRIPTS))('%s › leave no socket', async (_name, script) => {
    let isHostile = true
    const held = new Set<object>()
    const upstream = await hostileUpstream(eras.behind, (call, request) => {
      if (!isHostile) return [withLength(call.response)]
      held.add(request.socket)
      request.socket.on('close', () => held.delete(request.socket))
      return script(call, request)
    })
    const { logger } = recordingLogger()
    const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: eras.behind, logger })
    const client = await connected(await serve(proxy), { era: eras.front })
    await Promise.all(
      Array.from({ length: 20 }, () => client.callTool('echo', { tag: 'a' }, { throwOnError: false })),
    )
    await expect.poll(() => held.size, { timeout: 10_000 }).toBe(0)
    isHostile = false
    expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
  })
})

test('a notification that is answered with an endless body › leaves no socket', async () => {
  const held = new Set<object>()
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
  const { script } = upstream
  upstream.script = (request) => {
    if (!request.body.includes('"notifications/')) return script(request)
    held.add(request.socket)
    request.socket.on('close', () => held.delete(request.socket))
    return [`HTTP/1.1 202 Accepted\r\n${ENDLESS}`]
  }
  const client = await connected(upstream.url, { era: '2025-11-25' })
  expect((await client.callTool('echo', { tag: 'a' })).data).toBe('a')
  await expect.poll(() => held.size, { timeout: 5000 }).toBe(0)
})
