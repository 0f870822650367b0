import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = new URL('../dist/', import.meta.url)

test('no chunk of the package imports a module of Node', () => {
  const chunks = readdirSync(DIST).filter((name) => name.endsWith('.js'))
  expect(chunks.length).toBeGreaterThan(0)
  for (const name of chunks) {
    const code = readFileSync(new URL(name, DIST), 'utf8')
    expect(code).not.toMatch(
      /(from|import\(|import|require\()\s*['"](node:|fs|http|https|path|stream|events|crypto)\b/,
    )
  }
})

test('the root entry bundles for, and serves in, a runtime that is not Node', async () => {
  const source = `
    import { FastMCP } from './dist/index.js'
    const server = new FastMCP({ name: 'edge', version: '1.0.0' })
      .addTool({ name: 'hi', parameters: { type: 'object', properties: { to: { type: 'string' } } }, execute: ({ to }) => 'hi ' + to })
    globalThis.answer = server.fetch(new Request('http://edge.example/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'hi' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hi', arguments: { to: 'you' }, _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} } } }),
    })).then((response) => response.text())
    globalThis.started = server.start().catch((error) => error.message)`
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: ROOT },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'silent',
    // As where the package is installed: package.json alone says what `#http-client` is.
    tsconfigRaw: {},
  })
  const names = [
    'Request',
    'Response',
    'Headers',
    'URL',
    'ReadableStream',
    'TextEncoder',
    'TextDecoder',
    'AbortController',
    'AbortSignal',
    'crypto',
    'structuredClone',
    'queueMicrotask',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'atob',
    'btoa',
    'fetch',
    'console',
  ] as const
  const worker = Object.fromEntries(names.map((name) => [name, globalThis[name]])) as Record<string, unknown>
  worker['globalThis'] = worker
  runInNewContext(outputFiles[0]!.text, worker)
  expect(await worker['answer']).toContain('"text":"hi you"')
  expect(await worker['started']).toContain('no stdio')
})

test('what is published has all that it needs, and nothing else', () => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' }),
  ) as [{ files: { path: string }[] }]
  const paths = packed.files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']),
  )
  expect(paths.filter((path) => !/^(dist\/|package\.json|README\.md|LICENSE)/.test(path))).toEqual([])
})
