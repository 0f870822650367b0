/** Everything a tool may return, and what a client gets of it. */
import assert from 'node:assert/strict'
import { audio, embedded, FastMCP, image, resourceLink } from 'fastmesh'
import { z } from 'zod'
import { connect } from './connect.js'

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  'base64',
)
const SILENCE = Buffer.from('UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=', 'base64')

const server = new FastMCP({ name: 'Results', version: '1.0.0' })
  .addTool({ name: 'text', execute: () => 'plain text' })
  .addTool({ name: 'number', execute: () => 42 })
  .addTool({ name: 'object', execute: () => ({ city: 'London', degrees: 7 }) })
  .addTool({ name: 'nothing', execute: () => undefined })
  .addTool({ name: 'picture', execute: () => image({ buffer: PIXEL }) })
  .addTool({
    name: 'several',
    execute: async () => [
      { type: 'text', text: 'Listen:' },
      await audio({ buffer: SILENCE }),
      resourceLink({ uri: 'data://notes', name: 'Notes' }),
      embedded({ uri: 'data://note', mimeType: 'text/plain', text: 'inline' }),
    ],
  })
  .addTool({
    name: 'whole',
    outputSchema: z.object({ ok: z.boolean() }),
    execute: () => ({
      content: 'It worked',
      structuredContent: { ok: true },
      meta: { 'example.com/took': 3 },
    }),
  })

const client = await connect(server)
const call = (name: string) => client.callTool({ name, arguments: {} })

assert.deepEqual((await call('text')).content, [{ type: 'text', text: 'plain text' }])
assert.deepEqual((await call('number')).content, [{ type: 'text', text: '42' }])
assert.deepEqual((await call('object')).structuredContent, { city: 'London', degrees: 7 })
assert.deepEqual((await call('nothing')).content, [])
assert.deepEqual(
  (await call('several')).content.map(({ type }) => type),
  ['text', 'audio', 'resource_link', 'resource'],
)
const [picture] = (await call('picture')).content
assert.ok(picture?.type === 'image' && picture.mimeType === 'image/png')
const whole = await call('whole')
assert.deepEqual([whole.structuredContent, whole._meta?.['example.com/took']], [{ ok: true }, 3])

await client.close()
