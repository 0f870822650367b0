/** A long call whose client hangs up and comes back: nothing that was said meanwhile is lost. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP } from 'fastmesh'

const server = new FastMCP({ name: 'Long', version: '1.0.0' }).addTool({
  name: 'long',
  execute: async (_args, { reportProgress, closeStream }) => {
    await reportProgress({ progress: 1, total: 3 })
    closeStream() // the client comes back by itself, about a second later
    await reportProgress({ progress: 2, total: 3 })
    await delay(10)
    await reportProgress({ progress: 3, total: 3 })
    return 'done'
  },
})
const { url } = await server.start({ httpStream: { port: 0 } })

const client = new Client({ name: 'Ann', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(new URL(url)))
const progress: number[] = []
const onprogress = (report: { progress: number }) => progress.push(report.progress)
const { content } = await client.callTool({ name: 'long', arguments: {} }, { onprogress })
assert.deepEqual(content, [{ type: 'text', text: 'done' }])
assert.deepEqual(progress, [1, 2, 3])
await client.close()
await server.stop()
