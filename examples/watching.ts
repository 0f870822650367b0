/** A resource that watches its source, for only as long as somebody wants to hear of it. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

const source = { value: 20, listeners: new Set<() => void>() }
const server = new FastMCP({ name: 'Thermometer', version: '1.0.0' }).addResource({
  uri: 'sensor://temperature',
  name: 'Temperature',
  load: () => String(source.value),
  watch: (changed) => {
    source.listeners.add(changed)
    return () => void source.listeners.delete(changed)
  },
})

const client = await connect(server, 'legacy')
assert.equal(source.listeners.size, 0)
await client.subscribeResource({ uri: 'sensor://temperature' })
assert.equal(source.listeners.size, 1)

const updated = new Promise<string>((resolve) =>
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => resolve(params.uri)),
)
source.value = 25
for (const changed of source.listeners) changed()
assert.equal(await updated, 'sensor://temperature')
assert.deepEqual((await client.readResource({ uri: 'sensor://temperature' })).contents, [
  { uri: 'sensor://temperature', text: '25' },
])

await client.unsubscribeResource({ uri: 'sensor://temperature' })
assert.equal(source.listeners.size, 0)
await client.close()
