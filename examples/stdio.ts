/** A server on stdio, used by the official client. Run with `serve`, this file is the server. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { FastMCP } from 'fastmesh'

if (process.argv[2] === 'serve') await serve()
else await use()

async function serve(): Promise<void> {
  const server = new FastMCP({ name: 'Stdio', version: '1.0.0' }).addTool({
    name: 'hello',
    execute: () => {
      console.log('This goes to stderr: stdout is the wire')
      return 'Hello over stdio'
    },
  })
  await server.start()
}

async function use(): Promise<void> {
  const args = ['--import', 'tsx', fileURLToPath(import.meta.url), 'serve']
  for (const mode of ['legacy', 'auto'] as const) {
    const client = new Client({ name: 'example', version: '1.0.0' }, { versionNegotiation: { mode } })
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }))
    const { content } = await client.callTool({ name: 'hello', arguments: {} })
    assert.deepEqual(content, [{ type: 'text', text: 'Hello over stdio' }])
    await client.close()
  }
}
