/** Serves over HTTP on the port that it is given, or on stdio; tells whoever started it when a call waits. */
import { FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'killable', version: '1.0.0' })
  .addTool({ name: 'pid', execute: () => String(process.pid) })
  .addTool({
    name: 'wait',
    execute: async () => {
      process.send?.({ waiting: true })
      await new Promise(() => undefined)
    },
  })

const [where] = process.argv.slice(2)
if (where === 'stdio') await server.start()
else {
  const { port } = await server.start({ httpStream: { port: Number(where), host: '127.0.0.1' } })
  process.send?.({ port })
}
