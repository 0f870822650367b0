/** Run the official conformance suite against the everything server, one leg for each revision it scores. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { withEverythingServer } from './everything.mjs'
import { node22 } from './node-22.mjs'

const LEGS = ['2025-11-25', '2026-07-28']
const CLI = fileURLToPath(
  new URL('../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

const node = node22()
let failed = false
await withEverythingServer(async (url) => {
  for (const leg of LEGS) {
    const args = [CLI, 'server', '--url', url, '--requirements', leg]
    const { code, output } = await run(node, args)
    const [, passed, failures] = /Total: (\d+) passed, (\d+) failed/.exec(output) ?? []
    console.log(
      `conformance ${leg}: passed ${passed ?? '?'}, failed ${failures ?? '?'} (${code === 0 ? 'all that is scored passed' : 'FAILED'})`,
    )
    if (code === 0) continue
    failed = true
    console.log(output.slice(output.indexOf('=== SUMMARY ===')))
  }
})
process.exitCode = failed ? 1 : 0

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
