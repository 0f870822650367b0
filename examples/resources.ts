/** Resources, templates with several URIs, wildcards and queries, completion, and what is not there. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

const people = [
  { name: 'ann', email: 'ann@example.com' },
  { name: 'anton', email: 'anton@example.com' },
]

const server = new FastMCP({ name: 'People', version: '1.0.0' })
  .addResource({ uri: 'people://all', name: 'Everybody', load: () => people })
  .addResourceTemplate({
    uriTemplate: ['people://name/{name}', 'people://email/{email}'],
    name: 'Person',
    arguments: [
      {
        name: 'name',
        complete: (typed) => people.map(({ name }) => name).filter((name) => name.startsWith(typed)),
      },
    ],
    load: ({ name, email }) => people.find((person) => person.name === name || person.email === email),
  })
  .addResourceTemplate({
    uriTemplate: 'files://{path*}{?lines}',
    name: 'File',
    mimeType: 'text/plain',
    load: ({ path, lines }) => `${path}, ${lines ?? 'all'} lines`,
  })

const client = await connect(server)
const read = async (uri: string) =>
  ((await client.readResource({ uri })).contents[0] as { text: string }).text

assert.deepEqual(JSON.parse(await read('people://all')), people)
assert.deepEqual(JSON.parse(await read('people://name/ann')), people[0])
assert.deepEqual(JSON.parse(await read('people://email/anton@example.com')), people[1])
assert.equal(await read('files://src/deep/index.ts?lines=10'), 'src/deep/index.ts, 10 lines')
assert.equal(await read('files://README.md'), 'README.md, all lines')
await assert.rejects(read('people://name/nobody'), /Resource not found/)

const ref = { type: 'ref/resource', uri: 'people://name/{name}' } as const
const { completion } = await client.complete({ ref, argument: { name: 'name', value: 'ant' } })
assert.deepEqual(completion.values, ['anton'])
await client.close()
