/** Many servers as one: a proxy to several, with tools of its own beside, and a client of several. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Client, FastMCP } from 'fastmesh'

const weather = new FastMCP({ name: 'Weather', version: '1.0.0' }).addTool({
  name: 'forecast',
  execute: () => 'rain',
})
const { url } = await weather.start({ httpStream: { port: 0, host: '127.0.0.1' } })

const mcpServers = {
  weather: { url },
  files: {
    command: process.execPath,
    args: ['--import', 'tsx', fileURLToPath(new URL('folder/server.ts', import.meta.url))],
  },
  away: { url: 'http://127.0.0.1:9/mcp' },
}

const everything = FastMCP.asProxy({ mcpServers }, { name: 'Composite' })
everything.addTool({ name: 'own', execute: () => 'its own' })
const composite = await everything.start({ httpStream: { port: 0, host: '127.0.0.1' } })

await using client = await Client.connect(composite.url)
const names = (await client.listTools()).map(({ name }) => name)
assert.deepEqual(names, ['own', 'weather_forecast', 'files_where'])
assert.equal((await client.callTool('weather_forecast')).data, 'rain')

// One that is not there harms no other, and is told apart from a name that nobody knows.
await assert.rejects(client.callTool('away_anything'), /upstream 'away' is unavailable/)
await assert.rejects(client.callTool('anything'), /Unknown tool/)
const states = Object.fromEntries(everything.status().upstreams.map(({ name, state }) => [name, state]))
assert.equal(states['weather'], 'connected')
assert.equal(states['away'], 'unavailable')

// The same without a server between: the client connects to each, and prefixes their names.
await using several = await Client.connect({ mcpServers })
assert.equal((await several.callTool('weather_forecast')).data, 'rain')
assert.equal(several.servers['away']?.state, 'unavailable')

await everything.stop()
await weather.stop()
