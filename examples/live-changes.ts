/** Tools that come, go and hide while clients of both eras are connected, and how they hear of it. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

for (const era of ['legacy', 'auto'] as const) {
  const server = new FastMCP({ name: 'Live', version: '1.0.0' }).addTool({
    name: 'always',
    execute: () => 'here',
  })
  const client = await connect(server, era)
  let changed: () => void = () => undefined
  client.fallbackNotificationHandler = ({ method }) => {
    if (method === 'notifications/tools/list_changed') changed()
    return Promise.resolve()
  }
  if (era === 'auto') await client.listen({ toolsListChanged: true })
  const afterChange = async (change: () => unknown) => {
    const told = new Promise<void>((resolve) => (changed = resolve))
    change()
    await told
    return (await client.listTools()).tools.map(({ name }) => name)
  }

  const beta = { name: 'beta', tags: ['experimental'], execute: () => 'new' }
  assert.deepEqual(await afterChange(() => server.addTool(beta)), ['always', 'beta'])
  assert.deepEqual(await afterChange(() => server.disable({ tags: ['experimental'] })), ['always'])
  assert.deepEqual(await afterChange(() => server.enable({ names: ['beta'] })), ['always', 'beta'])
  assert.deepEqual(await afterChange(() => server.removeTool('always')), ['beta'])
  await client.close()
}
