/** What a server does while its question is with the client: none of it is lost, whichever era the client in front speaks. */
import { FastMCP, inMemoryTransports, type Progress, type Transport } from 'fastmesh'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
const NAME = { name: 'behind', version: '1.0.0' }

/** Something that happens once, and can be waited for. */
function gate() {
  let open!: () => void
  const isOpen = new Promise<void>((resolve) => (open = resolve))
  return { open, isOpen }
}

test.each(ERAS)('reports, and what is written to the log, for a client of %s', async (era) => {
  const [asked, meanwhile] = [gate(), gate()]
  const behind = new FastMCP(NAME).addTool({
    name: 'busy',
    execute: async (_args, { elicit, log, reportProgress }) => {
      await reportProgress({ progress: 1, total: 4 })
      log.info('before')
      const answer = elicit({ message: 'Go on?', schema: z.object({}) })
      await asked.isOpen
      await reportProgress({ progress: 2, total: 4 })
      log.info('meanwhile')
      meanwhile.open()
      const { action } = await answer
      await reportProgress({ progress: 3, total: 4 })
      log.info('after')
      return action
    },
  })
  const proxy = FastMCP.asProxy(await serve(behind), { era: '2025-11-25' })
  const [reports, logged]: [number[], unknown[]] = [[], []]
  const client = await connected(await serve(proxy), {
    era,
    elicitation: async () => {
      asked.open()
      await meanwhile.isOpen
      return { action: 'accept', content: {} }
    },
    onLog: ({ data }: { data: unknown }) => logged.push((data as { message: string }).message),
  })
  await client.setLoggingLevel('info')
  const onProgress = ({ progress }: Progress): void => void reports.push(progress)
  expect((await client.callTool('busy', {}, { onProgress })).data).toBe('accept')
  expect(reports).toEqual([1, 2, 3])
  expect(logged).toEqual(['before', 'meanwhile', 'after'])
})

test.each(ERAS)('no more than a few are kept for a client of %s that takes its time', async (era) => {
  const [asked, meanwhile] = [gate(), gate()]
  const behind = new FastMCP(NAME).addTool({
    name: 'chatty',
    execute: async (_args, { elicit, log }) => {
      const answer = elicit({ message: 'Go on?', schema: z.object({}) })
      await asked.isOpen
      for (let line = 0; line < 5000; line++) log.info(`line ${line} ${'x'.repeat(500)}`)
      meanwhile.open()
      return (await answer).action
    },
  })
  const proxy = FastMCP.asProxy(await serve(behind), { era: '2025-11-25' })
  let logged = 0
  const client = await connected(await serve(proxy), {
    era,
    elicitation: async () => {
      asked.open()
      await meanwhile.isOpen
      return { action: 'accept', content: {} }
    },
    onLog: () => (logged += 1),
  })
  await client.setLoggingLevel('info')
  expect((await client.callTool('chatty')).data).toBe('accept')
  if (era === '2025-11-25') expect(logged).toBe(5000)
  else expect(logged).toBeGreaterThan(10)
  if (era === '2026-07-28') expect(logged).toBeLessThan(5000)
})

/** A server in the words of 2025-11-25, which asks, and takes that back. */
function takingBack() {
  const calls: unknown[] = []
  let send: (message: object) => void = () => undefined
  const connect = async (side: Transport): Promise<void> => {
    const answer = (message: object): void => void side.send({ jsonrpc: '2.0', ...message } as never)
    side.onmessage = (message: unknown) => {
      takingOne(message as { id?: number; method?: string }, answer)
    }
    await side.start()
  }
  const takingOne = ({ id, method }: { id?: number; method?: string }, answer: typeof send): void => {
    if (method === 'tools/call') send = answer
    if (method === 'initialize')
      answer({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: NAME } })
    else if (method === 'tools/list')
      answer({ id, result: { tools: [{ name: 'asks', inputSchema: { type: 'object' } }] } })
    else if (method === 'tools/call') {
      calls.push(id)
      send({
        id: 'question',
        method: 'elicitation/create',
        params: { message: 'Still there?', requestedSchema: { type: 'object', properties: {} } },
      })
    } else if (method !== undefined && id !== undefined) answer({ id, result: {} })
  }
  return {
    target: { connect },
    calls,
    takeBack: () => {
      send({ method: 'notifications/cancelled', params: { requestId: 'question' } })
    },
    finish: () => {
      send({ id: calls[0], result: { content: [{ type: 'text', text: 'done without' }] } })
    },
  }
}

test('a question that is taken back is taken back in front, while the call goes on', async () => {
  const { target, takeBack, finish } = takingBack()
  const client = await connected(await serve(FastMCP.asProxy(target, { era: '2025-11-25' })), {
    era: '2025-11-25',
    elicitation: (_asked: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error)
          finish()
        })
        takeBack()
      }),
  })
  expect((await client.callTool('asks')).data).toBe('done without')
})

test('an answer to a question that was taken back meanwhile harms nobody', async () => {
  const { target, calls, takeBack, finish } = takingBack()
  const client = await connected(await serve(FastMCP.asProxy(target, { era: '2025-11-25' })), {
    era: '2026-07-28',
    elicitation: () => {
      takeBack()
      finish()
      return { action: 'accept', content: {} }
    },
  })
  expect((await client.callTool('asks')).data).toBe('done without')
  expect(calls).toHaveLength(1)
})

test('a server with one connection for all runs a call once, however often its client comes back', async () => {
  const runs: string[] = []
  const behind = new FastMCP(NAME).addTool({
    name: 'order',
    execute: async (_args, { elicit }) => {
      runs.push('begun')
      const first = await elicit({ message: 'First?', schema: z.object({}) })
      const second = await elicit({ message: 'Second?', schema: z.object({}) })
      runs.push('ended')
      return [first.action, second.action].join()
    },
  })
  const [target, side] = inMemoryTransports()
  await behind.connect(side)
  onCleanup(() => behind.stop())
  const client = await connected(await serve(FastMCP.asProxy(target, { era: '2025-11-25' })), {
    era: '2026-07-28',
    elicitation: () => ({ action: 'accept', content: {} }),
  })
  expect((await client.callTool('order')).data).toBe('accept,accept')
  expect(runs).toEqual(['begun', 'ended'])
})

test('what is told while another call of the same request waits is told too', async () => {
  const [answered, asked, told] = [gate(), gate(), gate()]
  const behind = new FastMCP(NAME)
    .addTool({
      name: 'first',
      execute: async (_args, { elicit, log }) => {
        await elicit({ message: 'first', schema: z.object({}) })
        answered.open()
        await asked.isOpen
        log.info('while the other waits')
        told.open()
        return 'first'
      },
    })
    .addTool({
      name: 'second',
      execute: async (_args, { elicit }) => {
        await answered.isOpen
        await elicit({ message: 'second', schema: z.object({}) })
        return 'second'
      },
    })
  const main = new FastMCP({ name: 'main', version: '1.0.0' })
    .mount('x', FastMCP.asProxy(await serve(behind), { era: '2025-11-25' }))
    .addTool({
      name: 'both',
      execute: async (_args, { callTool }) => {
        await Promise.all([callTool('x_first'), callTool('x_second')])
        return 'both'
      },
    })
  const logged: unknown[] = []
  const client = await connected(await serve(main), {
    era: '2026-07-28',
    onLog: ({ data }: { data: unknown }) => logged.push((data as { message: string }).message),
    elicitation: async ({ message }: { message: string }) => {
      if (message === 'second') {
        asked.open()
        await told.isOpen
      }
      return { action: 'accept', content: {} }
    },
  })
  await client.setLoggingLevel('debug')
  expect((await client.callTool('both')).data).toBe('both')
  expect(logged).toEqual(['while the other waits'])
})

test('a call that waits for a connection when its round is over is begun in the next one only', async () => {
  let runs = 0
  const behind = new FastMCP(NAME)
    .addTool({
      name: 'asks',
      execute: async (_args, { elicit }) => (await elicit({ message: '?', schema: z.object({}) })).action,
    })
    .addTool({ name: 'counts', execute: () => (runs += 1) })
  const proxy = FastMCP.asProxy(await serve(behind), { era: '2025-11-25', maxConnections: 1 })
  const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount('x', proxy).addTool({
    name: 'both',
    execute: async (_args, { callTool }) => {
      await Promise.all([callTool('x_asks'), callTool('x_counts')])
      return 'both'
    },
  })
  const client = await connected(await serve(main), {
    era: '2026-07-28',
    elicitation: () => ({ action: 'accept', content: {} }),
  })
  expect((await client.callTool('both')).data).toBe('both')
  expect(runs).toBe(1)
})
