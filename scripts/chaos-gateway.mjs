/** The composite of `chaos.mjs`: six upstreams behind one server. */
import { FastMCP } from 'fastmesh'

let unhandled = 0
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => {
    unhandled += 1
    console.error(event, error)
  })

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const mcpServers = JSON.parse(process.env.SERVERS)
const gateway = FastMCP.asProxy({ mcpServers }, { logger: silent, timeoutMs: 3000, connectTimeoutMs: 2000 })
const { url } = await gateway.start({ httpStream: { port: 0, host: '127.0.0.1' } })
process.send({ url })

process.on('message', async (word) => {
  if (word === 'stop') {
    await gateway.stop()
    process.send({ resources: await leftOver(), unhandled })
    process.disconnect()
    return
  }
  global.gc()
  const { requests, sessions, upstreams } = gateway.status()
  process.send({
    requests,
    sessions: sessions.connected,
    pending: upstreams.reduce((sum, { pending }) => sum + pending, 0),
    states: upstreams.map(({ state }) => state),
    connections: upstreams.reduce((sum, { connections }) => sum + connections, 0),
    heap: process.memoryUsage().heapUsed,
    unhandled,
  })
})

/** What still keeps this process alive, once what was closed has had the time to close, and how much of it there is. */
async function leftOver() {
  let kinds = []
  for (let tries = 0; tries < 20; tries++) {
    kinds = process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY|Immediate|Timeout/.test(kind))
    if (kinds.length === 0) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return [...new Set(kinds)].map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`)
}
