/** A provider of one's own: the files of a folder, which come, change and go while clients are connected. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'
import { FolderProvider } from './folder/provider.js'

const folder = await mkdtemp(join(tmpdir(), 'fastmesh-'))
await writeFile(join(folder, 'a.txt'), 'first')

const files = new FolderProvider(folder)
const server = new FastMCP({ name: 'Files', version: '1.0.0' }).addProvider(files, { prefix: 'docs' })
const client = await connect(server, 'legacy')

let told: (method: string) => void = () => undefined
client.fallbackNotificationHandler = ({ method }) => {
  told(method)
  return Promise.resolve()
}
const hearing = (method: string) =>
  new Promise<void>((resolve) => {
    told = (heard) => {
      if (heard === method) resolve()
    }
  })
const uris = async () => (await client.listResources()).resources.map(({ uri }) => uri)
const textOf = async (uri: string) => (await client.readResource({ uri })).contents[0]

assert.deepEqual(await uris(), ['folder://docs/a.txt'])
assert.deepEqual(await textOf('folder://docs/a.txt'), { uri: 'folder://docs/a.txt', text: 'first' })

const grown = hearing('notifications/resources/list_changed')
await writeFile(join(folder, 'b.txt'), 'second')
await grown
assert.deepEqual(await uris(), ['folder://docs/a.txt', 'folder://docs/b.txt'])

await client.subscribeResource({ uri: 'folder://docs/a.txt' })
const updated = hearing('notifications/resources/updated')
await writeFile(join(folder, 'a.txt'), 'first, changed')
await updated

await client.close()
await server.stop()
await rm(folder, { recursive: true })
