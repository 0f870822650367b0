/** Handlers that reject with nothing, and content that is none: no unhandled rejection. */
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { hostileUpstream } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'

function unhandledRejections(): unknown[] {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  onCleanup(() => process.off('unhandledRejection', onUnhandled))
  return unhandled
}

test('an elicitation handler that rejects with undefined › is answered with an error', async () => {
  const unhandled = unhandledRejections()
  const server = new FastMCP({ name: 'asks', version: '1.0.0' }).addTool({
    name: 'asks',
    execute: async (_args, { elicit }) => (await elicit({ message: 'Go on?', schema: z.object({}) })).action,
  })
  const client = await connected(await serve(server), {
    era: '2025-11-25',
    elicitation: () => Promise.reject(undefined),
  })
  expect(await client.callTool('asks', {}, { throwOnError: false })).toMatchObject({ isError: true })
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})

test('streamed content of an upstream that is none › is dropped, and the call goes on', async () => {
  const unhandled = unhandledRejections()
  const upstream = await hostileUpstream('2025-11-25', ({ response }) => {
    const params = { content: [{ type: 'resource' }, { type: 7 }, null] }
    const streamed = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tool/streamContent', params })
    return [
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ${streamed}\n\ndata: ${response}\n\n`,
      'end',
    ]
  })
  const main = new FastMCP({ name: 'main', version: '1.0.0' })
  main.mount('up', FastMCP.asProxy(upstream.url, { name: 'up', era: '2025-11-25' }))
  const client = await connected(await serve(main), { era: '2025-11-25' })
  expect((await client.callTool('up_echo', { tag: 'a' })).data).toBe('a')
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})
