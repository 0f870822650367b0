import { expect, test } from 'vitest'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { onCleanup } from '../support/clients.js'
import { NAME, rawTo } from '../support/echo-server.js'
import { INITIALIZE, request } from '../support/messages.js'

const LONG_URI = `data://${'x'.repeat(8000)}`

test('a client introduces itself with so many values at most', async () => {
  const connection = await rawTo()
  const introduced = async (count: number) => {
    const experimental = Object.fromEntries(Array.from({ length: count }, (_, at) => [`e${at}`, {}]))
    const { json } = await connection.ask(
      request(1, 'initialize', { ...INITIALIZE, capabilities: { experimental } }),
    )
    return json
  }
  expect(await introduced(400)).toMatchObject({ result: {} })
  expect(await introduced(600)).toMatchObject({ error: { code: -32602 } })
})

test('a client subscribes to URIs of so much length at most, all together, and again once it has let go', async () => {
  const connection = await rawTo()
  const session = await connection.initialize('2025-11-25')
  const subscribe = async (method: string, at: number) =>
    (await connection.ask(request(at + 10, `resources/${method}`, { uri: `${LONG_URI}${at}` }), session)).json
  for (let at = 0; at < 16; at += 1) expect(await subscribe('subscribe', at)).toMatchObject({ result: {} })
  expect(await subscribe('subscribe', 16)).toMatchObject({ error: { code: -32600 } })
  await subscribe('unsubscribe', 0)
  expect(await subscribe('subscribe', 16)).toMatchObject({ result: {} })
  const resourceSubscriptions = Array.from({ length: 20 }, (_, at) => `${LONG_URI}${at}`)
  const { json } = await connection.ask2026('subscriptions/listen', {
    notifications: { resourceSubscriptions },
  })
  expect(json).toMatchObject({ error: { code: -32602 } })
})

test('a client has so many roots at most', async () => {
  const server = new FastMCP(NAME).addTool({
    name: 'roots',
    execute: async (_args, { listRoots }) => String((await listRoots()).length),
  })
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  onCleanup(() => server.stop())
  const answers: { id?: unknown; result?: unknown }[] = []
  clientSide.onmessage = (message) => {
    const { id, method } = message as { id: number; method?: string }
    const roots = Array.from({ length: 1001 }, (_, at) => ({ uri: `file:///${at}` }))
    if (method === 'roots/list') void clientSide.send({ jsonrpc: '2.0', id, result: { roots } })
    else answers.push(message)
  }
  await clientSide.start()
  await clientSide.send(request(1, 'initialize', { ...INITIALIZE, capabilities: { roots: {} } }) as never)
  await clientSide.send(request(7, 'tools/call', { name: 'roots' }) as never)
  await expect.poll(() => answers.find(({ id }) => id === 7)?.result).toMatchObject({ isError: true })
})
