import { expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { NAME, rawTo } from '../support/echo-server.js'

test.each([{}, { asProxy: true }])(
  'a client cut off in a call through mounts (%j) ends that call',
  async (options) => {
    let hearAbort: () => void = () => {}
    const aborted = new Promise<void>((resolve) => (hearAbort = resolve))
    const child = new FastMCP(NAME).addTool({
      name: 'wait',
      execute: async (_args, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        hearAbort()
      },
    })
    const main = new FastMCP(NAME).mount('m', new FastMCP(NAME).mount('c', child, options))
    const connection = await rawTo(main)
    connection.post2026('tools/call', { name: 'm_c_wait', arguments: {} })
    await expect.poll(() => main.status().requests).toBe(1)
    connection.destroy()
    await aborted
    await expect.poll(() => [main.status().requests, child.status().requests]).toEqual([0, 0])
    await main.stop()
    expect(child.sessions).toEqual([])
  },
)

test('a cancellation that overtakes its request counts, once', async () => {
  const ran: unknown[] = []
  const server = new FastMCP(NAME).addTool({
    name: 'runs',
    parameters: { type: 'object', properties: { at: { type: 'number' } } },
    execute: ({ at }: { at?: number }) => {
      ran.push(at)
      return 'ran'
    },
  })
  const connection = await rawTo(server)
  const session = await connection.initialize('2025-11-25')
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
  expect((await connection.ask(cancelled, session)).status).toBe(202)
  const call = (id: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'runs', arguments: { at: id } },
  })
  expect((await connection.ask(call(7), session)).body).toBe('')
  expect((await connection.ask(call(8), session)).status).toBe(200)
  expect((await connection.ask(call(7), session)).status).toBe(200)
  expect(ran).toEqual([8, 7])
  expect(server.status().requests).toBe(0)
})

test('a cancellation that comes too late, or is nobody’s, leaves later requests alone', async () => {
  const server = new FastMCP(NAME).addTool({ name: 'runs', execute: () => 'ran' })
  const connection = await rawTo(server)
  const session = await connection.initialize('2025-11-25')
  const call = (id: unknown) =>
    connection.ask({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'runs' } }, session)
  const cancel = (requestId: unknown) =>
    connection.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }, session)
  expect((await call(5)).status).toBe(200)
  await cancel(5)
  expect((await call(5)).body).toContain('ran')
  const long = 'x'.repeat(1000)
  await cancel(long)
  expect((await call(long)).body).toContain('ran')
  for (let id = 100; id < 300; id++) await cancel(id)
  expect((await call(100)).body).toContain('ran')
  expect((await call(299)).body).toBe('')
})
