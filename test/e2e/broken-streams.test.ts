/** Streams of responses that break in the middle of a call, and are resumed (2025-11-25, basic/transports, Resumability). */
import { describe, expect, test } from 'vitest'
import { hostileUpstream, messageOf, toolResult, withLength } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import type { RawRequest, RawUpstream } from '../support/raw-upstream.js'

const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'
const BROKEN = [`${EVENTS}id: one\nretry: 20\ndata: \n\n`, 'end']

/** An upstream with a session, whose calls break after an event with an id; `resume` answers the GETs that resume them. */
async function breaking(
  resume: (request: RawRequest, callId: number) => readonly (string | Buffer)[],
): Promise<{ upstream: RawUpstream; asked: string[] }> {
  const asked: string[] = []
  let callId = 0
  const upstream = await hostileUpstream('2025-11-25', ({ id }) => {
    callId = id
    return BROKEN
  })
  const { script } = upstream
  upstream.script = (request) => {
    const isResumption = /\r\nlast-event-id: one/i.test(request.head)
    asked.push(isResumption ? 'resume' : (messageOf(request)?.method ?? request.head.split(' ')[0] ?? ''))
    if (isResumption) return resume(request, callId)
    return messageOf(request)?.method === 'initialize'
      ? [String(script(request)[0]).replace('content-length', 'mcp-session-id: s\r\ncontent-length')]
      : script(request)
  }
  return { upstream, asked }
}

const count = (asked: readonly string[], what: string): number => asked.filter((one) => one === what).length

describe('a stream that breaks', () => {
  test('› is resumed, and the call gets its result', async () => {
    let attempts = 0
    const { upstream, asked } = await breaking((_request, id) =>
      (attempts += 1) < 3 ? BROKEN : [`${EVENTS}id: two\ndata: ${toolResult(id, 'resumed')}\n\n`, 'end'],
    )
    const client = await connected(upstream.url, { era: '2025-11-25' })
    expect((await client.callTool('echo')).data).toBe('resumed')
    expect(count(asked, 'tools/call')).toBe(1)
    expect(count(asked, 'resume')).toBe(3)
  })

  test.each([
    ['404', 'HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n'],
    ['405', 'HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n'],
    ['JSON', withLength(toolResult(1, 'foreign'))],
  ])(
    '› and cannot be resumed (%s) fails the call, which may have run and is not repeated',
    async (_name, answer) => {
      const { upstream, asked } = await breaking(() => [answer])
      const client = await connected(upstream.url, { era: '2025-11-25' })
      await expect(client.callTool('echo')).rejects.toMatchObject({
        name: 'ConnectionError',
        outcome: 'unknown',
      })
      expect(count(asked, 'tools/call')).toBe(1)
    },
  )

  test('› with the response to another request is not resumed again', async () => {
    const { upstream, asked } = await breaking((_request, id) => [
      `${EVENTS}data: ${toolResult(id + 1, 'x')}\n\n`,
    ])
    const client = await connected(upstream.url, { era: '2025-11-25' })
    await expect(client.callTool('echo')).rejects.toMatchObject({ outcome: 'unknown' })
    expect(count(asked, 'resume')).toBe(1)
  })

  test('› is not resumed once the call is cancelled, and the server is told', async () => {
    const retryLater = [`${EVENTS}id: one\nretry: 30000\ndata: \n\n`, 'end']
    const { upstream, asked } = await breaking(() => [])
    const { script } = upstream
    let hasBroken = false
    upstream.script = (request) => {
      if (messageOf(request)?.method !== 'tools/call') return script(request)
      request.socket.on('close', () => (hasBroken = true))
      return retryLater
    }
    const client = await connected(upstream.url, { era: '2025-11-25' })
    const controller = new AbortController()
    const call = client.callTool('echo', {}, { signal: controller.signal })
    await expect.poll(() => hasBroken).toBe(true)
    controller.abort(new Error('not wanted'))
    await expect(call).rejects.toThrow('not wanted')
    await expect.poll(() => asked).toContain('notifications/cancelled')
    expect(count(asked, 'resume')).toBe(0)
  })
})
