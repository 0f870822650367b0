/** Run the official conformance suite against the everything server, and against the everything client: a leg for each revision it scores, and what no leg has. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { withEverythingServer } from './everything.mjs'
import { node22 } from './node-22.mjs'

const LEGS = [
  ['--requirements', '2025-11-25'],
  ['--requirements', '2026-07-28'],
  ['--scenario', 'server-sse-polling'],
  ['--scenario', 'server-session-lifecycle'],
]
const CLI = fileURLToPath(
  new URL('../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

const CLIENT = `${process.execPath} --import tsx ${fileURLToPath(new URL('../test/conformance/everything-client.ts', import.meta.url))}`

const node = node22()
let failed = false
await withEverythingServer(async (url) => {
  for (const leg of LEGS) await runLeg('server', ['--url', url], leg)
})
for (const leg of LEGS.slice(0, 2)) await runLeg('client', ['--command', CLIENT], leg)
process.exitCode = failed ? 1 : 0

async function runLeg(side, args, [option, leg]) {
  const { code, output } = await run(node, [CLI, side, ...args, option, leg])
  const found =
    /Total: (\d+) passed, (\d+) failed/.exec(output) ?? /Passed: (\d+)\/\d+, (\d+) failed/.exec(output)
  const [, passed, failures] = found ?? []
  // A scenario run alone says nothing by its exit code of checks that were not made.
  const isGood = code === 0 && Number(passed) > 0 && (option === '--requirements' || failures === '0')
  console.log(
    `conformance ${side} ${leg}: passed ${passed ?? '?'}, failed ${failures ?? '?'} (${isGood ? 'all that is scored passed' : 'FAILED'})`,
  )
  if (isGood) return
  failed = true
  console.log(option === '--requirements' ? output.slice(output.indexOf('=== SUMMARY ===')) : output)
}

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
