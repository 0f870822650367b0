/** One of the upstreams of `chaos.mjs`: each of its calls runs once, and says which it was. */
import { FastMCP } from 'fastmesh'
import { z } from 'zod'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const name = process.argv[2]
const ran = new Map()

const server = new FastMCP({ name, version: '1.0.0', logger: silent })
  .addTool({
    name: 'run',
    parameters: z.object({ id: z.string(), ms: z.number() }),
    execute: async ({ id, ms }, { reportProgress }) => {
      ran.set(id, (ran.get(id) ?? 0) + 1)
      await reportProgress({ progress: 0, message: id })
      await new Promise((resolve) => setTimeout(resolve, ms))
      return `${name} ${id}`
    },
  })
  .addResourceTemplate({ uriTemplate: 'echo://{id}', name: 'echo', load: ({ id }) => `${name} ${id}` })

const { port } = await server.start({ httpStream: { port: Number(process.argv[3]), host: '127.0.0.1' } })
process.send({ port })
/** What ran more than once. */
process.on('message', () =>
  process.send({ twice: [...ran].filter(([, times]) => times > 1).map(([id]) => id) }),
)
