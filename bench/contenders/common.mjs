/** What every contender does alike: tell its port, and answer what its process has used so far. */
export const TOOLS = Number(process.env.TOOLS ?? 1)
export const toolNames = Array.from({ length: TOOLS }, (_, index) => (index === 0 ? 'add' : `tool_${index}`))

export function ready(port) {
  process.send({ port })
  process.on('message', (message) => {
    if (message === 'usage') process.send({ cpu: process.cpuUsage() })
    else if (message === 'heap') void heap().then((heap) => process.send({ heap }))
    else process.exit(0)
  })
}

/** Bytes of heap in use, when the sockets that have gone are gone altogether. */
async function heap() {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

/** A server of node:http that picks its port. */
export async function listen(handler) {
  const { createServer } = await import('node:http')
  const server = createServer({ keepAliveTimeout: 75_000 }, handler)
  server.listen(0, '127.0.0.1', () => ready(server.address().port))
}

/** What `tools/list` says of the tool at an index, where the contender does not work it out itself. */
export function definition(name) {
  return {
    name,
    description: `Adds two numbers, as ${name}`,
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
    },
  }
}

/** What a server without any protocol would answer. */
export function plainAnswer({ id, method, params }) {
  if (method === 'tools/list') return { jsonrpc: '2.0', id, result: { tools: toolNames.map(definition) } }
  if (method === 'tools/call') {
    const { a, b } = params.arguments
    return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: String(a + b) }] } }
  }
  return { jsonrpc: '2.0', id, result: {} }
}
