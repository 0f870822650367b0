/** The server that is fuzzed, over stdio when it is run, over HTTP when it is imported. */
import { fileURLToPath } from 'node:url'
import { FastMCP } from 'fastmesh'
import { z } from 'zod'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export function fuzzed() {
  const server = new FastMCP({ name: 'fuzzed', version: '1.0.0', logger: silent, listPageSize: 2 })
    .addTool({ name: 'echo', parameters: z.object({ text: z.string() }), execute: ({ text }) => text })
    .addTool({ name: 'any', execute: (args) => JSON.stringify(args) })
    .addTool({
      name: 'asks',
      execute: async (_args, { elicit }) => {
        const { action } = await elicit({ message: 'Sure?', schema: z.object({ sure: z.boolean() }) })
        return action
      },
    })
    .addResource({ uri: 'note://one', name: 'one', load: () => 'one' })
    .addPrompt({
      name: 'greet',
      arguments: [{ name: 'who', complete: () => ['ann'] }],
      load: ({ who }) => `Hello ${who}`,
    })
  server.addResourceTemplate({
    uriTemplate: 'note://{a}/{b*}{?q}',
    name: 't',
    load: (values) => JSON.stringify(values),
  })
  return server
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await fuzzed().start()
