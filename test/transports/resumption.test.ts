import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { FastMCP, type EventStore } from 'fastmesh'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

interface Event {
  readonly id: string
  readonly data: string
}

/** The events that have come on a stream so far. */
function eventsOf(received: string): Event[] {
  return [...received.matchAll(/id: (.*)\n(?:retry: \d+\n|event: message\n)data: (.*)\n/g)].map(
    ([, id = '', data = '']) => ({ id, data }),
  )
}

/** A server with a tool that reports progress when told to, and a session of a client. */
async function going(options: object = {}, version = '2025-11-25') {
  const steps: boolean[] = []
  let running = 0
  const waiting: (() => void)[] = []
  const server = new FastMCP(NAME).addTool({
    name: 'steps',
    execute: async (_args, { reportProgress, closeStream }) => {
      running += 1
      for (let progress = 1; ; progress++) {
        while (steps.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
        if (steps.shift() === true) return 'finished'
        await reportProgress({ progress })
        if (progress === 3) closeStream()
      }
    },
  })
  const step = (last = false) => {
    steps.push(last)
    waiting.shift()?.()
  }
  const url = await serve(server, options)
  const connect = async () => {
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    return connection
  }
  onCleanup(() => {
    for (let run = 0; run < running; run++) step(true)
  })
  const control = await connect()
  const session = await control.initialize(version)
  const call = async (id = 7) => {
    const connection = await connect()
    const params = { name: 'steps', _meta: { progressToken: 'p' } }
    const before = running
    connection.post({ jsonrpc: '2.0', id, method: 'tools/call', params }, session)
    await expect.poll(() => running).toBe(before + 1)
    return connection
  }
  const resume = async (lastEventId: string, of = session) => {
    const connection = await connect()
    connection.get({ ...of, 'last-event-id': lastEventId })
    return connection
  }
  return { server, url, control, session, call, connect, resume, step }
}

const progressOf = (events: Event[]): (number | string)[] =>
  events.flatMap(({ data }): (number | string)[] => {
    if (data === '') return []
    const { params, result } = JSON.parse(data) as { params?: { progress: number }; result?: object }
    return params === undefined ? (result === undefined ? [] : ['result']) : [params.progress]
  })

describe('a stream of a 2025 client that was cut', () => {
  test('begins with an event to resume from, and goes on exactly where it was left', async () => {
    const { call, resume, step } = await going()
    const first = await call()
    step()
    await expect.poll(() => progressOf(eventsOf(first.received))).toEqual([1])
    const [priming, one] = eventsOf(first.received)
    expect(priming?.data).toBe('')
    expect(first.received).toContain('retry: ')
    first.destroy()
    step()
    const second = await resume(one?.id ?? '')
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual([2])
    step(true)
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual([2, 'result'])
    await expect.poll(() => second.received).toMatch(/\r\n0\r\n\r\n$/)
    const whole = await resume(priming?.id ?? '')
    await expect.poll(() => progressOf(eventsOf(whole.received))).toEqual([1, 2, 'result'])
    await expect.poll(() => whole.received).toMatch(/\r\n0\r\n\r\n$/)
  })

  test('can be let go by the handler', async () => {
    const { call, resume, step } = await going()
    const first = await call()
    for (const nth of [1, 2, 3]) {
      step()
      await expect.poll(() => progressOf(eventsOf(first.received)).length).toBe(nth)
    }
    await expect.poll(() => first.received).toMatch(/\r\n0\r\n\r\n$/)
    const second = await resume(eventsOf(first.received).at(-1)?.id ?? '')
    step(true)
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual(['result'])
  })

  test('is not primed before 2025-11-25, but resumes', async () => {
    const { call, resume, step } = await going({}, '2025-06-18')
    const first = await call()
    step()
    await expect.poll(() => progressOf(eventsOf(first.received))).toEqual([1])
    expect(eventsOf(first.received)[0]?.data).not.toBe('')
    first.destroy()
    step(true)
    const second = await resume(eventsOf(first.received)[0]?.id ?? '')
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual(['result'])
  })

  test('is not given to another session, nor mixed with another stream', async () => {
    const { control, call, resume, step } = await going()
    const [one, two] = [await call(1), await call(2)]
    step()
    step()
    await expect.poll(() => progressOf(eventsOf(two.received))).toEqual([1])
    const id = eventsOf(two.received)[0]?.id ?? ''
    const stranger = await control.initialize('2025-11-25')
    expect((await (await resume(id, stranger)).answer()).status).toBe(400)
    one.destroy()
    two.destroy()
    step(true)
    step(true)
    const second = await resume(id)
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual([1, 'result'])
    expect(second.received).not.toContain('"id":1')
  })

  test.each(['nonsense', '', '1-', '1-99', '99-1', '-1', '__proto__', '1-1e9'])(
    'is not known by %j',
    async (id) => {
      const { call, resume, step } = await going()
      await call()
      step()
      const connection = await resume(id)
      expect((await connection.answer()).status).toBe(400)
    },
  )

  test('loses nothing and repeats nothing, wherever it is cut', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'count',
      execute: async (_args, { reportProgress }) => {
        for (let progress = 1; progress <= 200; progress++) {
          await reportProgress({ progress })
          if (progress % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        return 'counted'
      },
    })
    const url = await serve(server)
    const control = await Raw.connect(url)
    onCleanup(() => control.destroy())
    const session = await control.initialize('2025-11-25')
    for (let round = 0; round < 20; round++) {
      const seen: (number | string)[] = []
      let last: string | undefined
      for (let cut = 1; seen.at(-1) !== 'result'; cut++) {
        const connection = await Raw.connect(url)
        const params = { name: 'count', _meta: { progressToken: 'p' } }
        if (last === undefined)
          connection.post({ jsonrpc: '2.0', id: round, method: 'tools/call', params }, session)
        else connection.get({ ...session, 'last-event-id': last })
        const enough = 1 + ((round * 7 + cut * 13) % 40)
        await expect
          .poll(
            () => eventsOf(connection.received).length >= enough || connection.received.endsWith('0\r\n\r\n'),
            { interval: 1 },
          )
          .toBe(true)
        const events = eventsOf(connection.received)
        connection.destroy()
        seen.push(...progressOf(events))
        last = events.at(-1)?.id ?? last
      }
      expect(seen).toEqual([...Array.from({ length: 200 }, (_, index) => index + 1), 'result'])
    }
  })
})

describe('the stream for what answers no request', () => {
  test('resumes with what was missed, in the place of one that only seems to be open', async () => {
    const { server, session, connect, resume } = await going()
    const first = await connect()
    first.get(session)
    await first.firstByte
    server.addTool({ name: 'one', execute: () => '' })
    await expect.poll(() => eventsOf(first.received).length).toBe(2)
    const [priming, one] = eventsOf(first.received)
    const taken = await connect()
    taken.get(session)
    expect((await taken.answer()).status).toBe(409)
    const second = await resume(priming?.id ?? '')
    await expect.poll(() => eventsOf(second.received).map(({ id }) => id)).toEqual([one?.id])
    await expect.poll(() => first.received).toMatch(/\r\n0\r\n\r\n$/)
    second.destroy()
    server.addTool({ name: 'two', execute: () => '' })
    const third = await resume(one?.id ?? '')
    await expect.poll(() => third.received).toContain('notifications/tools/list_changed')
  })
})

describe('what is kept', () => {
  test('is no more than a thousand events of a session', async () => {
    const server = new FastMCP(NAME).addTool({
      name: 'count',
      parameters: z.object({ to: z.number() }),
      execute: async ({ to }, { reportProgress }) => {
        for (let progress = 1; progress <= to; progress++) await reportProgress({ progress })
        return 'counted'
      },
    })
    const url = await serve(server)
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    const session = await connection.initialize('2025-11-25')
    const params = { name: 'count', arguments: { to: 1500 }, _meta: { progressToken: 1 } }
    const { body } = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session)
    const events = eventsOf(body)
    const missed = async (nth: number) => {
      connection.get({ ...session, 'last-event-id': events.at(nth)?.id ?? '' })
      const answer = await connection.answer()
      return answer.status === 200 ? eventsOf(answer.body).length : answer.status
    }
    expect(events).toHaveLength(1502)
    expect([await missed(0), await missed(-1002), await missed(-1001), await missed(-1)]).toEqual([
      400, 400, 1000, 0,
    ])
  })

  test('is forgotten after five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    const { call, resume, step } = await going()
    const first = await call()
    step()
    await expect.poll(() => progressOf(eventsOf(first.received))).toEqual([1])
    const [priming, one] = eventsOf(first.received)
    step(true)
    await expect.poll(() => eventsOf(first.received)).toHaveLength(3)
    vi.advanceTimersByTime(4 * 60_000)
    expect((await (await resume(priming?.id ?? '')).answer()).status).toBe(200)
    vi.advanceTimersByTime(2 * 60_000)
    expect((await (await resume(one?.id ?? '')).answer()).status).toBe(400)
    vi.useRealTimers()
  })

  test('may be kept nowhere', async () => {
    const { call, resume, step } = await going({ eventStore: false })
    const first = await call()
    step()
    await expect.poll(() => first.received).toContain('notifications/progress')
    expect(eventsOf(first.received)).toEqual([])
    const second = await resume('1-1')
    await second.firstByte
    expect(second.received).toContain('200 OK')
  })
})

/** As people keep events in a database: slowly, and in the form of the official SDK. */
class SlowStore implements EventStore {
  readonly events: { id: string; stream: string; message: object }[] = []

  async storeEvent(stream: string, message: object): Promise<string> {
    const id = `event-${this.events.length}`
    this.events.push({ id, stream, message })
    await new Promise((resolve) => setImmediate(resolve))
    return id
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (id: string, message: never) => Promise<void> },
  ): Promise<string> {
    const last = this.events.findIndex(({ id }) => id === lastEventId)
    if (last < 0) throw new Error('unknown')
    const { stream } = this.events[last]!
    for (const event of this.events.slice(last + 1)) {
      await new Promise((resolve) => setImmediate(resolve))
      if (event.stream === stream && Object.keys(event.message).length > 0)
        await send(event.id, event.message as never)
    }
    return stream
  }
}

describe("somebody else's event store", () => {
  test('is written to in order, and resumed from', async () => {
    const store = new SlowStore()
    const { call, resume, step, control } = await going({ eventStore: store })
    const first = await call()
    step()
    await expect.poll(() => progressOf(eventsOf(first.received))).toEqual([1])
    first.destroy()
    step()
    const second = await resume('event-0')
    step(true)
    await expect.poll(() => progressOf(eventsOf(second.received))).toEqual([1, 2, 'result'])
    expect(new Set(store.events.map(({ stream }) => stream)).size).toBe(1)
    const stranger = await control.initialize('2025-11-25')
    expect((await (await resume('event-0', stranger)).answer()).status).toBe(400)
    expect((await (await resume('event-99')).answer()).status).toBe(400)
  })

  test('that fails costs nothing but the chance to resume', async () => {
    const store = {
      storeEvent: () => Promise.reject(new Error('full')),
      replayEventsAfter: () => Promise.reject(new Error('gone')),
    }
    const { call, step } = await going({ eventStore: store })
    const first = await call()
    step()
    step(true)
    await expect.poll(() => first.received).toContain('"finished"')
    expect(first.received).toContain('notifications/progress')
  })
})

test.each(['v1', 'v2'])('the official client %s comes back by itself', async (which) => {
  let cut: () => void = () => {}
  const server = new FastMCP(NAME).addTool({
    name: 'cut',
    execute: async (_args, { reportProgress, closeStream }) => {
      await reportProgress({ progress: 1 })
      closeStream()
      await new Promise<void>((resolve) => (cut = resolve))
      await reportProgress({ progress: 2 })
      return 'back again'
    },
  })
  const url = new URL(await serve(server))
  const options = {
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 10,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 5,
    },
  }
  const progress: number[] = []
  const onprogress = (report: { progress: number }) => {
    progress.push(report.progress)
    if (report.progress === 1) setTimeout(() => cut(), 20)
  }
  const client = which === 'v1' ? new ClientV1(NAME) : new Client(NAME)
  if (client instanceof ClientV1) await client.connect(new HttpV1(url, options))
  else await client.connect(new StreamableHTTPClientTransport(url, options))
  onCleanup(() => client.close())
  const call = { name: 'cut', arguments: {} }
  const result =
    client instanceof ClientV1
      ? await client.callTool(call, undefined, { onprogress })
      : await client.callTool(call, { onprogress })
  expect(result.content).toEqual([{ type: 'text', text: 'back again' }])
  expect(progress).toEqual([1, 2])
})
