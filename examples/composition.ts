/** Servers made of servers: copies, live mounts, nests of them, and what clients see of it. */
import assert from 'node:assert/strict'
import { FastMCP, resourceLink } from 'fastmesh'
import { z } from 'zod'
import { connect } from './connect.js'

const weather = new FastMCP({ name: 'WeatherService', version: '1.0.0' })
  .addTool({
    name: 'get_forecast',
    description: 'Get the forecast of a city',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => [
      { type: 'text', text: `Sunny in ${city}` },
      resourceLink({ uri: 'data://cities/supported', name: 'Cities' }),
    ],
  })
  .addResource({ uri: 'data://cities/supported', name: 'Cities', load: () => ['London', 'Paris'] })

const main = new FastMCP({ name: 'MainApp', version: '1.0.0' })
const client = await connect(main)
const tools = async () => (await client.listTools()).tools.map(({ name }) => name)

// A copy of what the server offers now.
await main.importServer('weather', weather)
assert.deepEqual(await tools(), ['weather_get_forecast'])
const { resources } = await client.listResources()
assert.equal(resources[0]?.uri, 'data://weather/cities/supported')
const forecast = await client.callTool({ name: 'weather_get_forecast', arguments: { city: 'London' } })
assert.deepEqual(forecast.content, [
  { type: 'text', text: 'Sunny in London' },
  { type: 'resource_link', uri: 'data://weather/cities/supported', name: 'Cities' },
])

// A live view: what comes later is there too.
const dynamic = new FastMCP({ name: 'DynamicService', version: '1.0.0' }).addTool({
  name: 'initial_tool',
  execute: () => 'Initial',
})
main.mount('dynamic', dynamic)
dynamic.addTool({ name: 'added_later', execute: () => 'Added dynamically' })
weather.addTool({ name: 'added_later', execute: () => 'Not in the copy' })
assert.deepEqual(await tools(), ['weather_get_forecast', 'dynamic_initial_tool', 'dynamic_added_later'])

// Nests go as deep as they like, and a server may be in several places.
const hub = new FastMCP({ name: 'Hub', version: '1.0.0' }).mount('inner', dynamic)
main.mount('outer', hub)
const nested = await client.callTool({ name: 'outer_inner_added_later', arguments: {} })
assert.deepEqual(nested.content, [{ type: 'text', text: 'Added dynamically' }])
assert.throws(() => dynamic.mount('main', main), /cannot take in/)

// Without a prefix everything stays as it is called.
main.mount(new FastMCP({ name: 'Plain', version: '1.0.0' }).addTool({ name: 'plain', execute: () => '' }))
assert.ok((await tools()).includes('plain'))

// As a proxy it has sessions of its own, one for each of this server.
main.mount('isolated', dynamic, { asProxy: true })
const isolated = await client.callTool({ name: 'isolated_initial_tool', arguments: {} })
assert.deepEqual(isolated.content, [{ type: 'text', text: 'Initial' }])

main.unmount('outer')
main.unmount(dynamic)
assert.deepEqual(await tools(), ['weather_get_forecast', 'plain'])
await client.close()
