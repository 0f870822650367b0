/** A call that is called off stops working: its signal fires, and nothing answers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

for (const era of ['legacy', 'auto'] as const) {
  const events: string[] = []
  let started: () => void = () => undefined
  const hasStarted = new Promise<void>((resolve) => (started = resolve))
  const server = new FastMCP({ name: 'Patience', version: '1.0.0' }).addTool({
    name: 'wait',
    execute: async (_args, { signal }) => {
      started()
      await once(signal, 'abort')
      events.push(String(signal.reason))
    },
  })
  const client = await connect(server, era)
  const controller = new AbortController()
  const call = client.callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
  const refused = assert.rejects(call)
  await hasStarted
  controller.abort('I changed my mind')
  await refused
  await client.ping().catch(() => client.listTools())
  assert.equal(events.length, 1)
  await client.close()
}
