import { FastMCP } from '../../dist/index.js'
import { z } from 'zod'
import { ready, toolNames } from './common.mjs'

const server = new FastMCP({ name: 'bench', version: '1.0.0' })
for (const name of toolNames)
  server.addTool({
    name,
    description: `Adds two numbers, as ${name}`,
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: ({ a, b }) => String(a + b),
  })
server.addTool({
  name: 'progress',
  description: 'Reports progress',
  parameters: z.object({ count: z.number() }),
  execute: async ({ count }, { reportProgress }) => {
    for (let progress = 1; progress <= count; progress++) await reportProgress({ progress, total: count })
    return 'done'
  },
})
const { port } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
ready(port)
