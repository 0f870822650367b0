/** A server on stdio that wants nothing to do with its client. */
import { FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'closing', version: '1.0.0' })
server.on('connect', ({ session }) => {
  session.close()
})
await server.start()
