/** The fuzzed server in a process of its own, over HTTP. */
import { Client } from 'fastmesh'
import { fuzzed } from './server.mjs'

let unhandled = 0
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => {
    unhandled += 1
    console.error(event, error)
  })

const server = fuzzed()
const { port, url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const ask = (body, more = {}) =>
  fetch(url, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) })
const clientInfo = { name: 'fuzz', version: '1' }
const opened = await ask({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
})
const session = opened.headers.get('mcp-session-id')
const list = await (
  await ask({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, { 'mcp-session-id': session })
).json()
const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
}
const asked = await (
  await ask(
    { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'asks', arguments: {}, _meta } },
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'asks' },
  )
).json()
process.send({ port, session, cursor: list.result.nextCursor, state: asked.result.requestState })
process.on('message', async () => {
  const client = await Client.connect(url)
  await client.callTool('echo', { text: 'alive' })
  await client.close()
  process.send({ unhandled, requests: server.status().requests })
})
