/** Run every example, or those named; each asserts what it shows and ends by itself. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const LIMIT_MS = 60_000
const ROOT = fileURLToPath(new URL('..', import.meta.url))

const named = process.argv.slice(2)
const all = readdirSync(new URL('../examples', import.meta.url)).filter(
  (name) => name.endsWith('.ts') && name !== 'connect.ts',
)
const wanted = named.length > 0 ? named.map((name) => `${name.replace(/\.ts$/, '')}.ts`) : all.sort()
const isQuiet = named.length === 0

for (const name of wanted) {
  const { code, output } = await run(name)
  if (code === 0 && isQuiet) console.log(`example ${name}: ok`)
  if (code === 0) continue
  console.error(`example ${name}: failed (${code})\n${output}`)
  process.exit(1)
}

function run(name) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}`], {
      cwd: ROOT,
      stdio: isQuiet ? 'pipe' : 'inherit',
      timeout: LIMIT_MS,
    })
    let output = ''
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }))
  })
}
