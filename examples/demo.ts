/**
 * A server that searches the project's own sources, and a client that uses it over HTTP:
 * it lists the tools, searches with progress and hits streaming in, and reads a resource.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP, UserError } from 'fastmesh'
import { z } from 'zod'

const ROOT = fileURLToPath(new URL('../src', import.meta.url))

async function sources(): Promise<string[]> {
  const entries = await readdir(ROOT, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

const server = new FastMCP({
  name: 'Source search',
  version: '1.0.0',
  instructions: 'Search the sources with `search`, then read what was found at source://<path>.',
})
  .addTool({
    name: 'search',
    description: 'Find the lines of source code that contain a text',
    parameters: z.object({ text: z.string().min(2), limit: z.number().int().positive().default(5) }),
    outputSchema: z.object({ files: z.number(), hits: z.array(z.string()) }),
    annotations: { readOnlyHint: true },
    execute: async ({ text, limit }, { reportProgress, signal }) => {
      const paths = await sources()
      const hits: string[] = []
      for (const [index, path] of paths.entries()) {
        signal.throwIfAborted()
        const lines = (await readFile(join(ROOT, path), 'utf8')).split('\n')
        const found = lines.flatMap((line, at) => (line.includes(text) ? [`${path}:${at + 1}`] : []))
        hits.push(...found)
        await reportProgress({ progress: index + 1, total: paths.length, message: `${hits.length} hits` })
      }
      if (hits.length === 0) throw new UserError(`Nothing contains ${JSON.stringify(text)}`)
      return { files: paths.length, hits: hits.slice(0, limit) }
    },
  })
  .addResourceTemplate({
    uriTemplate: 'source://{path*}',
    name: 'Source file',
    mimeType: 'text/plain',
    arguments: [
      {
        name: 'path',
        complete: async (typed) => (await sources()).filter((path) => path.startsWith(typed)),
      },
    ],
    load: async ({ path }) =>
      (await sources()).includes(path) ? readFile(join(ROOT, path), 'utf8') : undefined,
  })

const { url, stop } = await server.start({ httpStream: { port: 0 } })
console.log(`Serving ${url}`)

const client = new Client({ name: 'demo', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
await client.connect(new StreamableHTTPClientTransport(new URL(url)))
console.log(`Connected, speaking ${client.getNegotiatedProtocolVersion() ?? 'an unknown revision'}`)

const { tools } = await client.listTools()
console.log(`Tools: ${tools.map(({ name, description }) => `${name} (${description ?? ''})`).join(', ')}`)

let reports = 0
const found = await client.callTool(
  { name: 'search', arguments: { text: 'class FastMCP', limit: 3 } },
  {
    onprogress: ({ progress, total, message }) => {
      reports += 1
      if (progress % 10 === 0 || progress === total)
        console.log(`  searched ${progress} of ${total ?? '?'} files, ${message ?? ''}`)
    },
  },
)
console.log('Found', found.structuredContent)

const file = await client.readResource({ uri: 'source://fast-mcp.ts' })
const [contents] = file.contents
console.log(`Read ${contents?.uri ?? ''}, ${(contents as { text: string }).text.split('\n').length} lines`)

const completed = await client.complete({
  ref: { type: 'ref/resource', uri: 'source://{path*}' },
  argument: { name: 'path', value: 'router/' },
})
console.log('Completed router/ to', completed.completion.values)

const nothing = await client.callTool({ name: 'search', arguments: { text: 'no such text, '.repeat(2) } })
console.log('Asked for what is not there:', nothing.content)

assert.equal(tools.length, 1)
assert.ok(reports > 10)
assert.match(JSON.stringify(found.structuredContent), /fast-mcp\.ts:\d+/)
assert.ok(completed.completion.values.includes('router/router.ts'))
assert.equal(nothing.isError, true)

await client.close()
await stop()
console.log('Stopped')
