/** A server behind a proxy may have no more than so many connections: who gets one, and who waits. */
import { FastMCP, type ProxyOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { ScriptedUpstream } from '../support/scripted-upstream.js'

describe('callers without a session, who need a connection for each call', () => {
  const options = { era: '2026-07-28', elicitation: () => ({ action: 'cancel' }) } as const
  const proxyOf = async (limits: ProxyOptions) => {
    const upstream = await ScriptedUpstream.start()
    const answers: (() => void)[] = []
    upstream.script = ({ method }) =>
      method === 'tools/call'
        ? new Promise((resolve) => answers.push(() => resolve({ content: [{ type: 'text', text: 'it' }] })))
        : undefined
    const { logger } = recordingLogger()
    const proxy = FastMCP.asProxy(upstream.url, { name: 'weather', era: '2025-11-25', logger, ...limits })
    const client = await connected(await serve(proxy), options)
    const it = async (signal?: AbortSignal) =>
      (await client.callTool('it', {}, { throwOnError: false, ...(signal && { signal }) })).data
    return { proxy, upstream, answers, it }
  }

  test('wait for one when there are no more', async () => {
    const { proxy, answers, it } = await proxyOf({ maxConnections: 2 })
    const calls = Array.from({ length: 6 }, () => it())
    for (let answered = 0; answered < 6; answered++) {
      await expect.poll(() => answers.length).toBeGreaterThan(answered)
      expect(answers.length - answered).toBeLessThanOrEqual(2)
      answers[answered]?.()
    }
    expect(await Promise.all(calls)).toEqual(Array(6).fill('it'))
    // That of the proxy itself is not counted.
    expect(proxy.status().upstreams[0]?.connections).toBeLessThanOrEqual(3)
  })

  test('wait for one as well where sessions have some', async () => {
    const { proxy, answers, it } = await proxyOf({ maxConnections: 2 })
    const session = await connected(await serve(proxy), { era: '2025-11-25' })
    const inSession = session.callTool('it')
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.()
    await inSession
    const calls = Array.from({ length: 3 }, () => it())
    for (let answered = 1; answered < 4; answered++) {
      await expect.poll(() => answers.length).toBe(answered + 1)
      answers[answered]?.()
    }
    expect(await Promise.all(calls)).toEqual(['it', 'it', 'it'])
  })

  test('not without end, nor too many of them, nor those that go', async () => {
    const { answers, upstream, it } = await proxyOf({ maxConnections: 1, maxQueue: 1, connectTimeoutMs: 300 })
    const first = it()
    await expect.poll(() => answers.length).toBe(1)
    const controller = new AbortController()
    const gone = it(controller.signal)
    await expect.poll(() => it()).toBe("upstream 'weather' is busy: try again later")
    controller.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    // Its place in the queue is free again: this one gives up by itself.
    expect(await it()).toBe("upstream 'weather' is busy: try again later")
    answers[0]?.()
    expect(await first).toBe('it')
    const last = it()
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.()
    expect(await last).toBe('it')
    expect(upstream.count('tools/call')).toBe(2)
  })
})
