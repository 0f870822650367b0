/** Questions of a process that name no call, on the connection of one session: they are that session's. */
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const file = new URL('../servers/asks-unnamed.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', file] }
const ERA = { era: '2025-11-25' } as const

test('a process that asks for roots right after it was initialized › gets those of the client in front', async () => {
  const proxy = FastMCP.asProxy(COMMAND, { name: 'proxy' })
  const client = await connected(await serve(proxy), { ...ERA, roots: ['file:///srv/data'] })
  expect((await client.callTool('roots')).data).toBe('file:///srv/data')
})

test('a question of one of two calls › outlives the other call', async () => {
  const proxy = FastMCP.asProxy(COMMAND, { name: 'proxy' })
  let isOver: () => void = () => undefined
  const secondIsOver = new Promise<void>((resolve) => (isOver = resolve))
  const client = await connected(await serve(proxy), {
    ...ERA,
    elicitation: async () => {
      await secondIsOver
      return { action: 'accept' }
    },
  })
  const first = client.callTool('first')
  expect((await client.callTool('second')).data).toBe('over')
  isOver()
  expect((await first).data).toBe('accept')
})
