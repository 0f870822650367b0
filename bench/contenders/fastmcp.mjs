import { createServer } from 'node:net'
import { FastMCP } from 'fastmcp'
import { z } from 'zod'
import { ready, toolNames } from './common.mjs'

const server = new FastMCP({ name: 'bench', version: '1.0.0' })
for (const name of toolNames)
  server.addTool({
    name,
    description: `Adds two numbers, as ${name}`,
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: async ({ a, b }) => String(a + b),
  })
const probe = createServer()
probe.listen(0, '127.0.0.1', () => {
  const { port } = probe.address()
  probe.close(async () => {
    await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1' } })
    ready(port)
  })
})
