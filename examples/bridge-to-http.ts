/** A bridge the other way round: a server that only speaks stdio is served over HTTP, with a process for each session. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Client, FastMCP } from 'fastmesh'

const bridge = FastMCP.asProxy({
  command: process.execPath,
  args: ['--import', 'tsx', fileURLToPath(new URL('folder/server.ts', import.meta.url))],
  cwd: fileURLToPath(new URL('folder', import.meta.url)),
})
const { url } = await bridge.start({ httpStream: { port: 0, host: '127.0.0.1' } })

await using client = await Client.connect(url)
const where = await client.callTool('where')
assert.match(String(where.data), /folder$/)

await bridge.stop()
