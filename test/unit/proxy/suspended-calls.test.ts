import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Relay } from '../../../src/components/context.js'
import type { Question } from '../../../src/components/questions.js'
import { PutOffError } from '../../../src/errors.js'
import type { JsonObject } from '../../../src/protocol/types.js'
import { CallMemory } from '../../../src/proxy/call-memory.js'
import type { ClientPeer } from '../../../src/proxy/proxied-request.js'
import { SuspendedCalls } from '../../../src/proxy/suspended-calls.js'

const CALL = { method: 'tools/call', params: { name: 'order' }, index: 1 }
const QUESTION = {
  method: 'elicitation/create',
  params: {},
  requires: {},
  key: undefined,
} as unknown as Question<JsonObject>

/** One request of a client, which answers what it already knows, and else has to come back. */
class Client {
  readonly values = new Map<string, unknown>()
  answers = new Map<string, JsonObject>()
  readonly told: unknown[] = []
  readonly controller = new AbortController()

  round(): { relay: Relay; memory: CallMemory; controller: AbortController } {
    const controller = new AbortController()
    const relay = {
      signal: controller.signal,
      recall: (key: string) => this.values.get(key),
      remember: (key: string, value: unknown) => this.values.set(key, value),
      ask: ({ key }: Question<JsonObject>) => {
        const answer = this.answers.get(String(key))
        if (answer !== undefined) return Promise.resolve(answer)
        const putOff = new PutOffError()
        this.answers.set(String(key), { answer: String(key) })
        setTimeout(() => {
          controller.abort(putOff)
        })
        return Promise.reject(putOff)
      },
      tell: (message: unknown) => this.told.push(message),
      report: (progress: unknown) => this.told.push(progress),
      stream: () => Promise.resolve(),
    } as unknown as Relay
    return { relay, memory: new CallMemory(relay, 'x', CALL), controller }
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** A call that asks once, and answers with the answer. */
const asking = async (peer: ClientPeer): Promise<JsonObject> => ({ got: await peer.ask(QUESTION) })

async function putOff(run: Promise<unknown>): Promise<void> {
  const failure = run.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(1)
  expect(await failure).toBeInstanceOf(PutOffError)
}

describe('a call', () => {
  test('running → done › is registered only where it asks', async () => {
    const calls = new SuspendedCalls()
    const { relay, memory } = new Client().round()
    expect(await calls.run(memory, relay, () => Promise.resolve({ ok: 1 }))).toEqual({ ok: 1 })
    expect(calls.size).toBe(0)
  })

  test('running → suspended → resumed → done › runs once, and its result is kept for rounds that run it again', async () => {
    const calls = new SuspendedCalls()
    const client = new Client()
    const run = vi.fn(asking)
    const [first, second, third] = [client.round(), client.round(), client.round()]
    await putOff(calls.run(first.memory, first.relay, run))
    const result = await calls.run(second.memory, second.relay, run)
    expect(result).toEqual({ got: { answer: 'upstream call 1?1' } })
    expect(await calls.run(third.memory, third.relay, run)).toEqual(result)
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('suspended → expired › is cancelled on the server, and unknown to a later round', async () => {
    const calls = new SuspendedCalls()
    const client = new Client()
    const signals: AbortSignal[] = []
    const [first, second] = [client.round(), client.round()]
    await putOff(
      calls.run(first.memory, first.relay, (peer, signal) => {
        signals.push(signal)
        return asking(peer)
      }),
    )
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(signals[0]?.aborted).toBe(true)
    expect(calls.size).toBe(0)
    expect(() => calls.run(second.memory, second.relay, asking)).toThrow('begin it anew')
  })

  test.each(['running', 'resumed'])('%s → cancelled › is cancelled on the server', async (state) => {
    const calls = new SuspendedCalls()
    const client = new Client()
    let signal: AbortSignal | undefined
    const run = async (peer: ClientPeer, cancelled: AbortSignal): Promise<JsonObject> => {
      signal = cancelled
      if (state === 'resumed') await peer.ask(QUESTION)
      return new Promise((_resolve, reject) => {
        cancelled.addEventListener('abort', () => {
          reject(cancelled.reason as Error)
        })
      })
    }
    const first = client.round()
    if (state === 'resumed') await putOff(calls.run(first.memory, first.relay, run))
    const round = state === 'resumed' ? client.round() : first
    const running = calls.run(round.memory, round.relay, run)
    running.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(1)
    round.controller.abort(new Error('not wanted'))
    await expect(running).rejects.toThrow('not wanted')
    expect(signal?.aborted).toBe(true)
    expect(calls.size).toBe(0)
  })

  test('done while suspended › gives its result to the next round', async () => {
    const calls = new SuspendedCalls()
    const client = new Client()
    let finish: (result: JsonObject) => void = () => undefined
    const run = (peer: ClientPeer): Promise<JsonObject> => {
      peer.ask(QUESTION).catch(() => undefined)
      return new Promise((resolve) => (finish = resolve))
    }
    const [first, second] = [client.round(), client.round()]
    await putOff(calls.run(first.memory, first.relay, run))
    finish({ done: 'without the answer' })
    await vi.advanceTimersByTimeAsync(1)
    expect(await calls.run(second.memory, second.relay, run)).toEqual({ done: 'without the answer' })
  })

  test('suspended › messages wait for the client, up to a limit', async () => {
    const calls = new SuspendedCalls()
    const client = new Client()
    const peers: ClientPeer[] = []
    const [first, second] = [client.round(), client.round()]
    const run = (peer: ClientPeer): Promise<JsonObject> => {
      peers.push(peer)
      return asking(peer)
    }
    await putOff(calls.run(first.memory, first.relay, run))
    for (let at = 0; at < 100; at++) peers[0]?.tell({ at, text: 'x'.repeat(1000) })
    expect(client.told).toEqual([])
    await calls.run(second.memory, second.relay, run)
    expect(client.told.length).toBeGreaterThan(50)
    expect(client.told.length).toBeLessThan(70)
    expect(client.told[0]).toMatchObject({ at: 0 })
  })
})

test('more calls than can be registered › are refused, and those that are done make room', async () => {
  const calls = new SuspendedCalls()
  const runs = Array.from({ length: 1000 }, () => {
    const client = new Client()
    const { relay, memory } = client.round()
    return { client, settled: calls.run(memory, relay, asking).catch((error: unknown) => error) }
  })
  await vi.advanceTimersByTimeAsync(1)
  for (const { settled } of runs) expect(await settled).toBeInstanceOf(PutOffError)
  const late = new Client().round()
  await expect(calls.run(late.memory, late.relay, asking)).rejects.toThrow('Too many calls wait')
  const again = (runs[0] as { client: Client }).client.round()
  await calls.run(again.memory, again.relay, asking)
  const next = new Client().round()
  await putOff(calls.run(next.memory, next.relay, asking))
  calls.close()
  expect(calls.size).toBe(0)
})
