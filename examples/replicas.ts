/** Several servers that are alike: calls go to the one with the least to do, and a dead one is left out. */
import assert from 'node:assert/strict'
import { Client, FastMCP } from 'fastmesh'

const make = (answer: string) =>
  new FastMCP({ name: answer, version: '1.0.0' }).addTool({ name: 'who', execute: () => answer })
const servers = [make('first'), make('second')]
const replicas: string[] = []
for (const server of servers)
  replicas.push((await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })).url)

const proxy = FastMCP.asProxy({ replicas, policy: 'roundRobin' }, { name: 'who' })
await using client = await Client.connect(proxy)
const ask = async () => (await client.callTool('who')).data
assert.deepEqual(new Set([await ask(), await ask()]), new Set(['first', 'second']))

await servers[0]?.stop()
assert.deepEqual([await ask(), await ask()], ['second', 'second'])

await proxy.stop()
await servers[1]?.stop()
