/** A server for tests of signals: prints where it is, answers slowly, and says what its lifespan does. */
import { FastMCP } from 'fastmesh'

const server = new FastMCP({
  name: 'http',
  version: '1.0.0',
  lifespan: () => {
    console.log('opened')
    return {
      [Symbol.asyncDispose]: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        console.log('closed')
      },
    }
  },
})
server.addTool({
  name: 'slow',
  execute: async () => {
    console.log('running')
    await new Promise((resolve) => process.once('SIGUSR2', resolve))
    console.log('ran')
    return 'finished'
  },
})
const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
console.log(url)
