/** Sessions: who comes and goes, what is known of them, what they remember, and how they end. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP } from 'fastmesh'

const server = new FastMCP({
  name: 'Sessions',
  version: '1.0.0',
  session: { idleTimeoutMs: 60_000, max: 100 },
  ping: { intervalMs: 10_000, logLevel: 'debug' },
}).addTool({
  name: 'count',
  execute: (_args, { state, sessionId }) => {
    const count = Number(state.get('count') ?? 0) + 1
    state.set('count', count)
    return `${count} in ${sessionId ?? 'no session'}`
  },
})

const told = new EventEmitter()
server.on('connect', ({ session }) => {
  session.on('rootsChanged', ({ roots }) => told.emit('roots', roots))
  told.emit('connect', session)
})
server.on('disconnect', ({ session, reason }) => told.emit('disconnect', session.id, reason))
const { url } = await server.start({ httpStream: { port: 0 } })

let roots = [{ uri: 'file:///one' }]
const client = new Client(
  { name: 'Ann', version: '1.0.0' },
  { capabilities: { roots: { listChanged: true } }, versionNegotiation: { mode: 'legacy' } },
)
client.setRequestHandler('roots/list', () => ({ roots }))
const transport = new StreamableHTTPClientTransport(new URL(url))
const connected = once(told, 'connect')
await client.connect(transport)
await connected

const [session] = server.sessions
assert.ok(session)
assert.equal(session.id, transport.sessionId)
assert.equal(session.clientInfo?.name, 'Ann')
assert.deepEqual(session.roots, [{ uri: 'file:///one' }])
assert.deepEqual([session.transport, session.era, session.loggingLevel], ['httpStream', '2025-11-25', 'info'])

const changed = once(told, 'roots')
roots = [{ uri: 'file:///two' }]
await client.sendRootsListChanged()
assert.deepEqual(await changed, [[{ uri: 'file:///two' }]])

for (const count of [1, 2]) {
  const { content } = await client.callTool({ name: 'count', arguments: {} })
  assert.deepEqual(content, [{ type: 'text', text: `${count} in ${session.id}` }])
}
await session.ping()

const ended = once(told, 'disconnect')
await transport.terminateSession()
assert.deepEqual(await ended, [session.id, 'client ended the session'])
assert.deepEqual(server.sessions, [])
await client.close()
await server.stop()
