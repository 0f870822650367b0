/** Uses clients that listen for ever, and lets go of nothing: what the process would wait for then is printed. */
import { Client, FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'test', version: '1.0.0' }).addTool({ name: 'it', execute: () => 'done' })
for (const era of ['2025-11-25', '2026-07-28'] as const) {
  const client = await Client.connect(server, { era, onListChanged: () => {}, timeoutMs: 60_000 })
  await client.callTool('it')
  await client.listTools()
}
console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')))
