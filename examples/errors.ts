/** Errors that are meant for clients, and errors that are not. */
import assert from 'node:assert/strict'
import { FastMCP, ResourceError, UserError } from 'fastmesh'
import { connect } from './connect.js'

const logged: string[] = []
const note = (...message: unknown[]) => void logged.push(message.map(String).join(' '))
const logger = { debug: note, info: note, warn: note, error: note }

const server = new FastMCP({ name: 'Errors', version: '1.0.0', logger })
  .addTool({
    name: 'meant',
    execute: () => {
      throw new UserError('There is no such city', { city: 'Atlantis' })
    },
  })
  .addTool({
    name: 'unmeant',
    execute: () => Promise.reject(new Error('cannot reach db.internal with password hunter2')),
  })
  .addTool({ name: 'slow', timeoutMs: 20, execute: () => new Promise(() => undefined) })
  .addResource({
    uri: 'archive://today',
    name: 'Today',
    load: () => {
      throw new ResourceError('The archive is closed')
    },
  })

const client = await connect(server)
const meant = await client.callTool({ name: 'meant', arguments: {} })
assert.deepEqual([meant.isError, meant.structuredContent], [true, { city: 'Atlantis' }])
const unmeant = await client.callTool({ name: 'unmeant', arguments: {} })
assert.deepEqual(unmeant.content, [{ type: 'text', text: "Error calling tool 'unmeant'" }])
assert.ok(logged.some((line) => line.includes('hunter2')))
const slow = await client.callTool({ name: 'slow', arguments: {} })
assert.deepEqual(slow.content, [{ type: 'text', text: "Tool 'slow' timed out after 20 ms" }])
await assert.rejects(client.readResource({ uri: 'archive://today' }), /The archive is closed/)
await assert.rejects(client.callTool({ name: 'unknown', arguments: {} }), /Unknown tool: unknown/)
await client.close()
