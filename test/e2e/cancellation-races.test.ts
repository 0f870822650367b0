/** Calls that are cancelled before they were sent, and cancellations that arrive before their requests. */
import { Client, FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { ERA_PAIRS, ERAS, hostileUpstream, messageOf, withLength } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { RawUpstream } from '../support/raw-upstream.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'

describe.each(ERAS)('a call of %s that is cancelled before it is sent', (era) => {
  test('while its headers are computed › is never sent, and neither is a cancellation', async () => {
    const upstream = await hostileUpstream(era, ({ response }) => [withLength(response)])
    const sent: unknown[] = []
    const { script } = upstream
    upstream.script = (request) => {
      sent.push(messageOf(request)?.method)
      return script(request)
    }
    let release: () => void = () => undefined
    let isHeld = false
    const headers = async (): Promise<Record<string, string>> => {
      if (isHeld) await new Promise<void>((resolve) => (release = resolve))
      return {}
    }
    const client = await connected({ url: upstream.url, headers }, { era })
    const controller = new AbortController()
    isHeld = true
    const call = client.callTool('echo', { tag: 'a' }, { signal: controller.signal })
    isHeld = false
    controller.abort(new Error('not wanted'))
    await expect(call).rejects.toThrow('not wanted')
    release()
    expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
    expect(sent.filter((method) => method === 'tools/call')).toHaveLength(1)
    expect(sent).not.toContain('notifications/cancelled')
  })
})

test('a call that is cancelled while its connection opens › is never sent, and the connection serves the next', async () => {
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => [withLength(response)])
  const calls: string[] = []
  const { script } = upstream
  upstream.script = (request) => {
    if (request.body.includes('tools/call')) calls.push(request.body)
    return script(request)
  }
  const client = await connected(upstream.url, { era: '2025-11-25' })
  for (const socket of upstream.sockets) socket.destroy()
  await expect.poll(() => upstream.sockets.size).toBe(0)
  const controller = new AbortController()
  const call = client.callTool('echo', { tag: 'a' }, { signal: controller.signal })
  setImmediate(() => controller.abort(new Error('not wanted')))
  await expect(call).rejects.toThrow('not wanted')
  expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
  expect(calls.filter((body) => body.includes('"a"')).length).toBeLessThanOrEqual(1)
})

/** An upstream that reads a call only after the first cancellation, which it ignores as it knows no such request. */
async function overtaken(): Promise<{ url: string; running: Set<number>; seen: string[] }> {
  const running = new Set<number>()
  const seen: string[] = []
  let readCall: () => void = () => undefined
  const upstream = await ScriptedUpstream.start(async ({ method, id, params }, response) => {
    if (method === 'notifications/cancelled') {
      const { requestId } = params as unknown as { requestId: number }
      seen.push(running.delete(requestId) ? 'cancelled' : 'unknown')
      readCall()
    }
    if (method !== 'tools/call' || id === undefined) return undefined
    seen.push('arrived')
    await new Promise<void>((resolve) => (readCall = resolve))
    running.add(id)
    seen.push('running')
    await new Promise((resolve) => response.on('close', resolve))
    return undefined
  })
  return { url: upstream.url, running, seen }
}

test('a cancellation that overtakes its request › is sent again', async () => {
  const { url, running, seen } = await overtaken()
  const client = await connected(url, { era: '2025-11-25' })
  const controller = new AbortController()
  const call = client.callTool('it', {}, { signal: controller.signal })
  await expect.poll(() => seen).toContain('arrived')
  controller.abort(new Error('not wanted'))
  await expect(call).rejects.toThrow('not wanted')
  await expect.poll(() => seen).toEqual(['arrived', 'unknown', 'running', 'cancelled'])
  expect(running.size).toBe(0)
})

test('behind a proxy, a cancellation that overtakes its request › ends the call on the upstream', async () => {
  const { url, running, seen } = await overtaken()
  const proxy = FastMCP.asProxy(url, { name: 'proxy', era: '2025-11-25' })
  const client = await connected(await serve(proxy), { era: '2025-11-25' })
  const controller = new AbortController()
  const call = client.callTool('it', {}, { signal: controller.signal })
  await expect.poll(() => seen).toContain('arrived')
  controller.abort(new Error('not wanted'))
  await expect(call).rejects.toThrow('not wanted')
  await expect.poll(() => seen).toContain('cancelled')
  expect(running.size).toBe(0)
})

test('a call over HTTP+SSE that is cancelled › is cancelled after the server has accepted it', async () => {
  const seen: string[] = []
  let stream: { write: (text: string) => void } | undefined
  let acceptCall: () => void = () => undefined
  const upstream = await RawUpstream.start((request) => {
    const message = messageOf(request)
    if (request.head.startsWith('GET')) {
      stream = request.socket
      return ['HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: /post\n\n']
    }
    seen.push(String(message?.method))
    const accepted = 'HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted'
    if (message?.method === 'initialize') {
      const result = {
        protocolVersion: '2024-11-05',
        capabilities: {},
        serverInfo: { name: 's', version: '1' },
      }
      stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`)
    }
    if (message?.method !== 'tools/call') return [accepted]
    acceptCall = () => void request.socket.write(accepted)
    return []
  })
  const client = await connected({ url: upstream.url, transport: 'sse' })
  const controller = new AbortController()
  const call = client.callTool('it', {}, { signal: controller.signal })
  await expect.poll(() => seen).toContain('tools/call')
  controller.abort(new Error('not wanted'))
  await expect(call).rejects.toThrow('not wanted')
  expect(seen).not.toContain('notifications/cancelled')
  acceptCall()
  await expect.poll(() => seen).toContain('notifications/cancelled')
})

test.each(ERA_PAIRS)(
  '500 calls through a proxy that are cancelled at once, $front → $behind › leave none running',
  async (eras) => {
    let running = 0
    const server = new FastMCP({ name: 'upstream', version: '1.0.0' }).addTool({
      name: 'waits',
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          running += 1
          const end = (): void => {
            running -= 1
            reject(signal.reason as Error)
          }
          if (signal.aborted) end()
          else signal.addEventListener('abort', end)
        }),
    })
    const proxy = FastMCP.asProxy(await serve(server), { name: 'proxy', era: eras.behind })
    const client = new Client(await serve(proxy), { era: eras.front })
    onCleanup(() => client.close())
    await client.connect()
    for (let round = 0; round < 10; round++)
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const controller = new AbortController()
          const call = client.callTool('waits', {}, { signal: controller.signal })
          setImmediate(() => controller.abort(new Error('not wanted')))
          await expect(call).rejects.toThrow('not wanted')
        }),
      )
    await expect.poll(() => proxy.status().requests, { timeout: 10_000 }).toBe(0)
    await expect.poll(() => running, { timeout: 10_000 }).toBe(0)
  },
)
