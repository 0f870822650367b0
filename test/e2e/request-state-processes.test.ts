/** All rounds of a call go to the process that issued its `requestState`: no other can read it. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const file = new URL('../servers/featured.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', file] }
const authenticate = ({ headers }: { headers: Record<string, string | undefined> }) => ({
  id: headers['x-api-key'],
})

describe.each([
  ['anonymous', {}],
  ['authenticated', { authenticate }],
])('%s callers of a process of 2026-07-28', (_name, options) => {
  test.each([true, false])(
    '› twelve calls at once that ask, with a log level: %s',
    async (wantsLogs) => {
      const proxy = FastMCP.asProxy(COMMAND, { era: '2026-07-28', ...options })
      const client = await connected(
        { url: await serve(proxy), headers: { 'x-api-key': 'alice' } },
        {
          era: '2026-07-28',
          onLog: wantsLogs ? () => undefined : undefined,
          elicitation: ({ message }: { message: string }) => ({
            action: 'accept',
            content: { name: message },
          }),
        },
      )
      const calls = Array.from({ length: 12 }, () => client.callTool('asks'))
      for (const { data } of await Promise.all(calls))
        expect(JSON.parse(data as string)).toEqual({ action: 'accept', content: { name: 'Who?', age: 7 } })
    },
    60_000,
  )
})
