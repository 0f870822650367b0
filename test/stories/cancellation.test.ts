import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { ERAS, onCleanup, serve, WAYS } from '../support/clients.js'
import { Raw } from '../support/raw-http.js'

const NAME = { name: 'test', version: '1.0.0' }

/** A tool that waits for its signal, and says what it saw. */
function waiting() {
  const seen: { started?: () => void; aborted?: (reason: unknown) => void } = {}
  const started = new Promise<void>((resolve) => (seen.started = resolve))
  const aborted = new Promise<unknown>((resolve) => (seen.aborted = resolve))
  const server = new FastMCP(NAME)
    .addTool({
      name: 'wait',
      execute: async (_args, { signal }) => {
        seen.started?.()
        await once(signal, 'abort')
        seen.aborted?.(signal.reason)
        return 'too late'
      },
    })
    .addTool({ name: 'after', execute: () => 'still here' })
  return { server, started, aborted }
}

describe.each(WAYS)('a call that $name calls off', ({ connect }) => {
  test('has its signal fired, and is answered no more', async () => {
    const { server, started, aborted } = waiting()
    const client = await connect(server)
    const controller = new AbortController()
    const call = client.callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
    const outcome = call.catch((error: Error) => error)
    await started
    controller.abort('enough')
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    expect(await outcome).toBeInstanceOf(Error)
    const result = await client.callTool({ name: 'after', arguments: {} })
    expect(result.content).toEqual([{ type: 'text', text: 'still here' }])
  })
})

describe('a client that goes away', () => {
  test('has its 2026 call called off', async () => {
    const { server, started, aborted } = waiting()
    const raw = await Raw.connect(await serve(server))
    raw.post2026('tools/call', { name: 'wait' })
    await started
    raw.destroy()
    expect(await aborted).toMatchObject({ message: 'Cancelled: the client has gone' })
  })

  test('has its 2025 call go on', async () => {
    const { server, started, aborted } = waiting()
    const url = await serve(server)
    const raw = await Raw.connect(url)
    const session = await raw.initialize('2025-11-25')
    raw.post({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'wait' } }, session)
    await started
    raw.destroy()
    const other = await Raw.connect(url)
    expect((await other.ask({ jsonrpc: '2.0', id: 8, method: 'ping' }, session)).json).toEqual({
      jsonrpc: '2.0',
      id: 8,
      result: {},
    })
    expect(await Promise.race([aborted.then(() => 'aborted'), Promise.resolve('running')])).toBe('running')
    await other.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }, session)
    expect(await aborted).toMatchObject({ name: 'AbortError' })
  })

  test('over fetch, has its 2026 call called off', async () => {
    const { server, started, aborted } = waiting()
    const controller = new AbortController()
    const response = server.request('/mcp', {
      ...Raw.init2026('tools/call', { name: 'wait' }),
      signal: controller.signal,
    })
    const outcome = response.catch((error: Error) => error)
    await started
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    expect(await outcome).toMatchObject({ name: 'AbortError' })
  })
})

test('a cancelled 2025 POST ends without an answer', async () => {
  const { server, started } = waiting()
  const url = await serve(server)
  const [caller, other] = [await Raw.connect(url), await Raw.connect(url)]
  const session = await caller.initialize('2025-11-25')
  const answer = caller.ask(
    { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'wait' } },
    session,
  )
  await started
  await other.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'b' } }, session)
  await other.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'a' } }, session)
  const { status, headers, body } = await answer
  expect([status, headers['content-type'], body]).toEqual([200, 'text/event-stream', ''])
})

test('another session cannot call it off', async () => {
  const { server, started, aborted } = waiting()
  const url = await serve(server)
  const [mine, theirs] = [await Raw.connect(url), await Raw.connect(url)]
  const session = await mine.initialize('2025-11-25')
  const foreign = await theirs.initialize('2025-11-25')
  mine.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } }, session)
  await started
  await theirs.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, foreign)
  expect(await Promise.race([aborted.then(() => 'aborted'), Promise.resolve('running')])).toBe('running')
  await theirs.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, session)
  await aborted
})

describe.each(ERAS)('time-outs ($era)', ({ connect }) => {
  test('of a tool, and of the server, end a run and fire its signal', async () => {
    const reasons: unknown[] = []
    const wait = async (_args: unknown, { signal }: { signal: AbortSignal }) => {
      await once(signal, 'abort')
      reasons.push(signal.reason)
    }
    const server = new FastMCP({ ...NAME, toolTimeoutMs: 20 })
      .addTool({ name: 'own', timeoutMs: 10, execute: wait })
      .addTool({ name: 'default', execute: wait })
      .addTool({ name: 'stubborn', timeoutMs: 10, execute: () => new Promise(() => {}) })
      .addTool({ name: 'quick', timeoutMs: 10_000, execute: () => 'in time' })
    const client = await connect(server)
    const text = async (name: string) => {
      const { content, isError } = await client.callTool({ name, arguments: {} })
      return [isError ?? false, (content as { text: string }[])[0]!.text]
    }
    expect(await text('own')).toEqual([true, "Tool 'own' timed out after 10 ms"])
    expect(await text('default')).toEqual([true, "Tool 'default' timed out after 20 ms"])
    expect(await text('stubborn')).toEqual([true, "Tool 'stubborn' timed out after 10 ms"])
    expect(await text('quick')).toEqual([false, 'in time'])
    expect(reasons).toHaveLength(2)
    expect(reasons[0]).toMatchObject({ name: 'TimeoutError' })
  })
})

test('a generator is told to stop, and cleans up', async () => {
  let cleaned: (() => void) | undefined
  const cleanedUp = new Promise<void>((resolve) => (cleaned = resolve))
  const server = new FastMCP(NAME).addTool({
    name: 'forever',
    execute: async function* () {
      try {
        for (;;) {
          yield 'more '
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        cleaned?.()
      }
    },
  })
  const raw = await Raw.connect(await serve(server))
  onCleanup(() => raw.destroy())
  raw.post2026('tools/call', { name: 'forever' }, { progressToken: 't' })
  await raw.firstByte
  raw.destroy()
  await cleanedUp
})
