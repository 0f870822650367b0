/** One server on stdio and another over HTTP, in one process. */
import { FastMCP } from 'fastmesh'

const overStdio = new FastMCP({ name: 'stdio', version: '1.0.0' })
const gone = new Promise<void>((resolve) => {
  overStdio.on('disconnect', ({ reason }) => {
    console.error(`disconnect ${reason}`)
    resolve()
  })
})
const overHttp = new FastMCP({ name: 'http', version: '1.0.0' })
overHttp.addTool({
  name: 'slow',
  execute: async () => {
    await gone
    // Longer than a process lives on that only served stdio.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    return 'done'
  },
})
overHttp.addTool({ name: 'stop', execute: () => void setImmediate(() => void overHttp.stop()) })
await overStdio.start()
const { url } = await overHttp.start({ httpStream: { port: 0, host: '127.0.0.1' } })
console.error(`url ${url}`)
