/** The server of the soak test; says on request what it holds. */
import { FastMCP } from '../dist/index.js'

const server = new FastMCP({
  name: 'soak',
  version: '1.0.0',
  session: { idleTimeoutMs: 3000, max: 5000 },
  ping: { intervalMs: 1000 },
  logger: { debug() {}, info() {}, warn() {}, error: (...message) => console.error(...message) },
})
const told = { connect: 0, disconnect: {} }
server.on('connect', () => (told.connect += 1))
server.on('disconnect', ({ reason }) => (told.disconnect[reason] = (told.disconnect[reason] ?? 0) + 1))

server
  .addTool({
    name: 'progress',
    execute: async (_args, { reportProgress }) => {
      for (let progress = 1; progress <= 20; progress++) {
        await reportProgress({ progress })
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return 'done'
    },
  })
  .addTool({
    name: 'ask',
    timeoutMs: 2000,
    execute: async (_args, { elicit }) =>
      (await elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })).action,
  })
  .addTool({ name: 'quick', execute: () => 'quick' })
  .addResource({ uri: 'data://watched', name: 'Watched', load: () => '', watch: () => () => undefined })

let changes = 0
const change = setInterval(() => {
  server.addTool({ name: `tool_${++changes}`, execute: () => '' })
  server.removeTool(`tool_${changes - 1}`)
}, 50)

process.on('unhandledRejection', (reason) => {
  console.error('unhandled', reason)
  process.exit(1)
})
const { port } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
process.send({ port })
process.on('disconnect', () => process.exit())
process.on('message', async (message) => {
  if (message === 'calm') clearInterval(change)
  if (message === 'stop') {
    await server.stop()
    process.exit()
  }
  globalThis.gc()
  const resources = process.getActiveResourcesInfo()
  const { sessions, requests } = server.status()
  process.send?.({
    heap: process.memoryUsage().heapUsed,
    sockets: resources.filter((name) => name === 'TCPSocketWrap').length,
    timers: resources.filter((name) => name === 'Timeout').length,
    sessions: sessions.connected,
    requests,
    told,
  })
})
