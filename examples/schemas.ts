/** Parameters described with zod, valibot, arktype and plain JSON Schema: what clients see, and what is refused. */
import assert from 'node:assert/strict'
import { type } from 'arktype'
import { FastMCP } from 'fastmesh'
import * as v from 'valibot'
import { z } from 'zod'
import { connect } from './connect.js'

const server = new FastMCP({ name: 'Schemas', version: '1.0.0' })
  .addTool({
    name: 'zod',
    parameters: z.object({ days: z.number().int().default(3) }),
    execute: ({ days }) => days + 1,
  })
  .addTool({ name: 'valibot', parameters: v.object({ days: v.number() }), execute: ({ days }) => days + 1 })
  .addTool({ name: 'arktype', parameters: type({ days: 'number' }), execute: ({ days }) => days + 1 })
  .addTool({
    name: 'json',
    parameters: { type: 'object', properties: { days: { type: 'number', maximum: 7 } }, required: ['days'] },
    execute: ({ days }) => Number(days) + 1,
  })

const client = await connect(server)
for (const { name, inputSchema } of (await client.listTools()).tools) {
  assert.equal(inputSchema.type, 'object')
  const good = await client.callTool({ name, arguments: { days: 6 } })
  assert.deepEqual(good.content, [{ type: 'text', text: '7' }])
  const bad = await client.callTool({ name, arguments: { days: 'many' } })
  assert.equal(bad.isError, true)
  assert.match(JSON.stringify(bad.content), /Invalid arguments for tool .*days/)
}
assert.deepEqual((await client.callTool({ name: 'zod', arguments: {} })).content, [
  { type: 'text', text: '4' },
])
await client.close()
