/**
 * A bridge for clients that only speak stdio: started as `bridge-to-stdio.ts <url>` it is, on
 * its stdin and stdout, the server at that URL. Started without, it shows itself at work.
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Client, FastMCP } from 'fastmesh'

const [url] = process.argv.slice(2)
if (url !== undefined) await FastMCP.asProxy(url).start()
else await show()

async function show(): Promise<void> {
  const remote = new FastMCP({ name: 'Remote', version: '1.0.0' }).addTool({
    name: 'hello',
    execute: () => 'from afar',
  })
  const serving = await remote.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  const args = ['--import', 'tsx', fileURLToPath(import.meta.url), serving.url]
  const client = await Client.connect({ command: process.execPath, args })
  assert.equal((await client.callTool('hello')).data, 'from afar')
  await client.close()
  await remote.stop()
}
