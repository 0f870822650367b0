/** Serves in every way, is used, and stops; what the process still holds then is printed. It must end by itself. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { Raw } from '../support/raw-http.js'

const held = () =>
  process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'TTYWrap')
const listeners = () =>
  ['SIGINT', 'SIGTERM', 'exit', 'uncaughtException'].map((name) => process.listenerCount(name))
const before = { held: held().sort(), listeners: listeners() }

process.on('unhandledRejection', (reason) => {
  console.log(JSON.stringify({ unhandled: String(reason) }))
  process.exit(1)
})
process.on('warning', (warning) => console.log(JSON.stringify({ warning: warning.message })))

for (let round = 0; round < 3; round++) {
  const server = new FastMCP({ name: 'test', version: '1.0.0', toolTimeoutMs: 60_000 })
    .addTool({ name: 'quick', execute: () => 'done' })
    .addTool({
      name: 'stuck',
      execute: (_args, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    })
  const { url } = await server.start({ httpStream: { port: 0 } })

  for (const mode of ['legacy', 'auto'] as const) {
    const client = new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(new URL(url)))
    await client.callTool({ name: 'quick', arguments: {} })
    await client.close()
  }
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  const inMemory = new Client({ name: 'c', version: '1' })
  await inMemory.connect(clientSide as never)
  await inMemory.callTool({ name: 'quick', arguments: {} })

  // One that listens, one whose call hangs and is called off, one that only connected, and one in the middle of a body.
  const [listener, stuck, idle, half] = await Promise.all([1, 2, 3, 4].map(() => Raw.connect(url)))
  void listener!.ask2026('subscriptions/listen', { notifications: { toolsListChanged: true } })
  await listener!.firstByte
  stuck!.post2026('tools/call', { name: 'stuck' })
  half!.write(
    'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  )
  await idle!.ask2026('server/discover')
  stuck!.destroy()
  await Promise.all([server.stop(), server.stop()])
  await Promise.all([listener!.closed(), idle!.closed(), half!.closed()])
  await inMemory.close()
}
await new Promise((resolve) => setImmediate(resolve))
const agent = (globalThis as Record<symbol, { destroy?: () => Promise<void> } | undefined>)[
  Symbol.for('undici.globalDispatcher.1')
]
await agent?.destroy?.()
await new Promise((resolve) => setTimeout(resolve, 50))
console.log(JSON.stringify({ before, after: { held: held().sort(), listeners: listeners() } }))
