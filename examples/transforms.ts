/** A server shown in another way: renamed, described anew, with arguments fixed, and parts of it hidden. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { z } from 'zod'
import { connect } from './connect.js'

const weather = new FastMCP({ name: 'Weather', version: '1.0.0' })
  .addTool({
    name: 'get_forecast_v2',
    description: 'internal: see wiki',
    parameters: z.object({ city: z.string(), units: z.enum(['metric', 'imperial']) }),
    execute: ({ city, units }) => `${city}, ${units}`,
  })
  .addTool({ name: 'reset', tags: ['admin'], execute: () => 'reset' })

weather.transform({
  tools: {
    get_forecast_v2: {
      name: 'forecast',
      description: 'The weather in a city',
      arguments: { city: { name: 'place' }, units: { value: 'metric' } },
    },
  },
})
weather.transform(({ tags }) => (tags.has('admin') ? false : undefined))

const client = await connect(new FastMCP({ name: 'Main', version: '1.0.0' }).mount('weather', weather))
const { tools } = await client.listTools()
assert.deepEqual(
  tools.map(({ name, description }) => [name, description]),
  [['weather_forecast', 'The weather in a city']],
)
const { content } = await client.callTool({ name: 'weather_forecast', arguments: { place: 'Oslo' } })
assert.deepEqual(content, [{ type: 'text', text: 'Oslo, metric' }])
await client.close()
