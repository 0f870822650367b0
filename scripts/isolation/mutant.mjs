/** A build of the package that mixes callers up, and whether the harness finds that out. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MUTATED = /src[\\/]proxy[\\/]attribution\.ts$/
/** Whatever comes in is taken for what the latest call is told. */
const MUTANT = `export function attribute(_about, _ownership, calls) {
  return calls.length > 0 ? { call: calls[calls.length - 1] } : undefined
}`
/** How many calls the harness may need. */
const CALLS = 2000

/** Runs the harness, the file `harness`, with a mutated build. `summary`: the last line that it printed. */
export async function findsMutant(harness, seed) {
  const folder = await mkdtemp(join(tmpdir(), 'fastmesh-mutant-'))
  try {
    await buildMutant(folder)
    const given = ['--package', join(folder, 'index.js'), '--seed', String(seed)]
    const limits = ['--seconds', '0', '--calls', String(CALLS), '--stop-early']
    const output = await outputOf(process.execPath, [harness, ...given, ...limits])
    const summary = output.trim().split('\n').at(-1)
    const [, foreign = '0'] = /([\d,]+) foreign tags/.exec(summary) ?? []
    return { found: foreign !== '0', summary }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function buildMutant(folder) {
  let isMutated = false
  const mutation = {
    name: 'mutation',
    setup({ onLoad, onResolve }) {
      onLoad({ filter: MUTATED }, () => {
        isMutated = true
        return { contents: MUTANT, loader: 'ts' }
      })
      onResolve({ filter: /^#http-client$/ }, () => ({
        path: join(ROOT, 'src/client/http/undici-http-client.ts'),
      }))
      onResolve({ filter: /^#node-server$/ }, () => ({ path: '@hono/node-server', external: true }))
    },
  }
  // The dependencies of the package are resolved from there.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir')
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/index.ts'],
    outfile: join(folder, 'index.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    plugins: [mutation],
    logLevel: 'silent',
  })
  if (!isMutated) throw new Error('src/proxy/attribution.ts is not part of the build any more')
}

function outputOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
}
