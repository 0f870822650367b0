/** A process that speaks for a call which has ended must not be heard by the next caller. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const file = new URL('../servers/speaks-late.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', file] }

/** Two callers from 2026-07-28 on of a proxy before a process, and what the second one is asked and told. */
async function twoCallers(options: object = {}) {
  const { logger } = recordingLogger()
  const proxy = FastMCP.asProxy(COMMAND, { name: 'proxy', logger, ...options })
  const url = await serve(proxy)
  const heard: unknown[] = []
  const client = (key: string, hear: (what: unknown) => void) =>
    connected(
      { url, headers: { 'x-api-key': key } },
      {
        era: '2026-07-28',
        onLog: ({ data }: { data: unknown }) => hear(data),
        elicitation: ({ message }: { message: string }) => {
          hear(message)
          return { action: 'accept' }
        },
      },
    )
  const alice = await client('alice', () => undefined)
  const bob = await client('bob', (what) => heard.push(what))
  return { alice, bob, heard }
}

const authenticate = (request: { headers: Record<string, string | undefined> }) => ({
  id: request.headers['x-api-key'],
})

describe.each([
  ['anonymous callers', {}],
  ['authenticated callers', { authenticate }],
])('%s of a process', (_who, options) => {
  test('› a call that is cancelled asks and tells the next caller nothing', async () => {
    const { alice, bob, heard } = await twoCallers(options)
    await alice.listTools()
    const controller = new AbortController()
    const cancelled = alice.callTool('late', {}, { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('not wanted')), 100)
    await expect(cancelled).rejects.toThrow('not wanted')
    expect((await bob.callTool('wait')).isError).not.toBe(true)
    expect(heard).toEqual([])
  })

  test('› a call that timed out asks and tells the next caller nothing', async () => {
    const { alice, bob, heard } = await twoCallers({ ...options, timeoutMs: 300 })
    await alice.listTools()
    expect(await alice.callTool('late', {}, { throwOnError: false })).toMatchObject({ isError: true })
    await bob.callTool('wait', {}, { throwOnError: false })
    expect(heard).toEqual([])
  })
})
