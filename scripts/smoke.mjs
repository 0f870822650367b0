/** Smoke tests of the built package on Bun, Deno and workerd: each calls a server of this process, and serves. */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Client, FastMCP } from 'fastmesh'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name) => join(root, 'node_modules', '.bin', name)
const run = promisify(execFile)

const server = new FastMCP({ name: 'smoke', version: '1.0.0' })
  .addTool({
    name: 'add',
    parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
    execute: async ({ a, b }, { reportProgress }) => {
      await reportProgress({ progress: 1 })
      return a + b
    },
  })
  .addTool({ name: 'wait', execute: () => new Promise(() => undefined) })
const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })

/** A project that has installed the package: what is published of it, beside its dependencies. */
const project = await mkdtemp(join(tmpdir(), 'fastmesh-smoke-'))
const modules = join(project, 'node_modules')
await mkdir(modules)
for (const name of await readdir(join(root, 'node_modules')))
  if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
for (const name of ['package.json', 'dist'])
  await cp(join(root, name), join(modules, 'fastmesh', name), { recursive: true })
await cp(join(root, 'scripts', 'smoke'), project, { recursive: true })
await writeFile(join(project, 'package.json'), '{ "type": "module" }')

let passed = 0
let failed = 0

async function smoke(name, work) {
  try {
    console.log(`${name}: ${String(await work()).trim()}`)
    passed += 1
  } catch (error) {
    console.log(`${name} failed: ${error.stack ?? error}\n${error.stdout ?? ''}${error.stderr ?? ''}`)
    failed += 1
  }
}

async function inProject(command, ...args) {
  const { stdout, stderr } = await run(command, [...args, 'run-check.mjs', url], {
    cwd: project,
    timeout: 60_000,
  })
  if (stderr.trim() !== '') throw new Error(`it wrote to stderr: ${stderr}`)
  return stdout
}

await smoke('node', () => inProject(process.execPath))
await smoke('bun', () => inProject(bin('bun'), 'run'))
await smoke('deno', () =>
  inProject(bin('deno'), 'run', '--quiet', '--allow-all', '--node-modules-dir=manual'),
)
await smoke('workerd', inWorkerd)

await server.stop()
await rm(project, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function inWorkerd() {
  await build({
    absWorkingDir: project,
    entryPoints: ['worker.mjs'],
    outfile: join(project, 'worker.bundle.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    logLevel: 'error',
  })
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "worker", esModule = embed "worker.bundle.mjs")],
      compatibilityDate = "2026-01-01", globalOutbound = "network")),
    (name = "network", network = (allow = ["private", "local"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`
  await writeFile(join(project, 'config.capnp'), config)
  const args = ['serve', 'config.capnp', '--control-fd=3']
  const child = spawn(bin('workerd'), args, { cwd: project, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
  try {
    const port = await new Promise((resolve, reject) => {
      child.once('error', reject).once('exit', (code) => reject(new Error(`workerd ended with ${code}`)))
      child.stdio[3].on('data', (line) => {
        const { event, port } = JSON.parse(String(line).split('\n')[0])
        if (event === 'listen') resolve(port)
      })
    })
    const response = await fetch(`http://127.0.0.1:${port}/check?url=${encodeURIComponent(url)}`, {
      signal: AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    const client = await Client.connect(`http://127.0.0.1:${port}/mcp`)
    const { data } = await client.callTool('hello')
    await client.close()
    return `${text}, ${data}`
  } finally {
    child.kill()
  }
}
