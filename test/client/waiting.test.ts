/** How long answers are waited for, of which many may be awaited at once; and how requests that follow one another are told apart. */
import { expect, test } from 'vitest'
import { Client, FastMCP, inMemoryTransports, type Transport } from 'fastmesh'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const

function server(): FastMCP {
  return new FastMCP({ name: 'slow', version: '1.0.0' })
    .addTool({ name: 'never', execute: () => new Promise(() => {}) })
    .addTool({ name: 'quick', execute: () => 'here' })
    .addTool({
      name: 'reports',
      execute: async (_args, { reportProgress, signal }) => {
        for (let progress = 1; progress <= 20; progress++) {
          await reportProgress({ progress })
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (signal.aborted) return 'called off'
        }
        return 'to its end'
      },
    })
}

test('each is waited for as long as it says, whichever was asked first', async () => {
  const client = await connected(server())
  const ended: string[] = []
  const wait = async (name: string, timeoutMs?: number): Promise<void> => {
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    const error: unknown = await client.callTool('never', {}, options).catch((reason: unknown) => reason)
    ended.push(`${name}: ${(error as Error).message}`)
  }
  const others = [wait('long', 120), wait('short', 20), wait('longer', 200), wait('middle', 60)]
  void wait('without end')
  expect((await client.callTool('quick')).data).toBe('here')
  await Promise.all(others)
  expect(ended).toEqual(
    [
      ['short', 20],
      ['middle', 60],
      ['long', 120],
      ['longer', 200],
    ].map(([name, ms]) => `${name}: There was no answer to tools/call within ${ms} ms`),
  )
  expect((await client.callTool('quick', {}, { timeoutMs: 5000 })).data).toBe('here')
})

test('a report of progress puts off the end of the wait, of that request alone', async () => {
  const client = await connected(server())
  const silent = client.callTool('never', {}, { timeoutMs: 200 })
  const reporting = client.callTool('reports', {}, { timeoutMs: 200, onProgress: () => {} })
  await expect(silent).rejects.toThrow('within 200 ms')
  expect((await reporting).data).toBe('to its end')
})

test.each(ERAS)(
  'a request of %s has its own headers, be they those of the one before or others',
  async (era) => {
    const shows = (name: string): FastMCP =>
      main.addTool({
        name,
        execute: ({ text }: { text?: string }, { headers }) =>
          [headers?.['x-value'], headers?.['mcp-name'] ?? name, text].join(' '),
      })
    const main = new FastMCP({ name: 'shows', version: '1.0.0' })
    shows('it')
    shows('other')
    let value = 'one'
    const client = await connected(await serve(main), { era, headers: () => ({ 'x-value': value }) })
    const said = async (name: string, text?: string): Promise<unknown> =>
      (await client.callTool(name, text === undefined ? {} : { text })).data
    expect(await said('it')).toBe('one it ')
    expect(await said('it', 'höher')).toBe('one it höher')
    value = 'two'
    expect(await said('it')).toBe('two it ')
    expect(await said('other')).toBe('two other ')
    expect(await said('it')).toBe('two it ')
  },
)

test('a transport that throws where it should reject fails that request alone', async () => {
  const [clientSide, serverSide] = inMemoryTransports()
  const main = server()
  await main.connect(serverSide)
  let isBroken = false
  const send = clientSide.send.bind(clientSide)
  const target: Transport = Object.assign(clientSide, {
    send: (...sent: Parameters<Transport['send']>) => {
      if (isBroken) throw new Error('no such wire')
      return send(...sent)
    },
  })
  const client = await Client.connect(target)
  isBroken = true
  await expect(client.callTool('quick')).rejects.toThrow('no such wire')
  isBroken = false
  expect((await client.callTool('quick')).data).toBe('here')
  await client.close()
  await main.stop()
})
