/**
 * Send what no client and no server means to send, and see that nothing breaks: always an
 * answer or a clean end, no crash, no hang, nothing that nobody handles.
 *
 *   npm run fuzz                     one minute, with a seed of the day
 *   npm run fuzz -- --seconds 600 --seed 7
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { FastMCP } from 'fastmesh'
import { frames, heads, messages, startUpstream, StdioServer, templates, tokens } from './fuzz/parts.mjs'
import { Random } from './fuzz/random.mjs'
import { exchange } from './fuzz/raw.mjs'

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const seconds = option('seconds', 60)
const seed = option('seed', Math.floor(Date.now() / 86_400_000))
const random = new Random(seed)

let unhandled = 0
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => {
    unhandled += 1
    console.error(event, error)
  })

const server = fork(new URL('fuzz/http-server.mjs', import.meta.url), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
const [facts] = await once(server, 'message')
let hasEnded = false
server.once('exit', () => (hasEnded = true))
const upstream = await startUpstream()
const stdio = new StdioServer()
const subject = { ...facts, upstream, FastMCP }

const PARTS = {
  messages: [40, () => messages(random, subject)],
  heads: [20, () => heads(random, subject)],
  tokens: [20, () => tokens(random, subject)],
  frames: [4, () => frames(random, subject)],
  templates: [4, () => templates(random, subject)],
  stdio: [2, () => stdio.lines(random)],
}

console.log(`seed ${seed}, ${seconds} s`)
const counts = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0]))
const faults = []
const end = Date.now() + seconds * 1000
while (Date.now() < end && faults.length < 20 && !hasEnded) {
  for (const [part, [times, run]] of Object.entries(PARTS))
    for (let time = 0; time < times; time++) {
      const fault = await run().catch((error) => error.message)
      counts[part] += 1
      if (fault !== undefined) faults.push(`${part}: ${fault}`)
    }
}

const alive = await exchange(facts.port, Buffer.from('GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'))
const asked = once(server, 'message')
server.send('state')
const [state] = await asked
for (const [part, count] of Object.entries(counts)) console.log(`${part.padEnd(10)} ${count}`)
console.log(
  `unhandled: ${unhandled} here, ${state.unhandled} in the server; requests left over: ${state.requests}`,
)
if (!alive.startsWith('HTTP/1.1 200')) faults.push('the server is not alive any more')
if (unhandled + state.unhandled > 0) faults.push('something was not handled')
if (state.requests > 0) faults.push(`${state.requests} requests are left over`)
for (const fault of faults) console.error(`FAULT ${fault}`)
server.kill()
stdio.stop()
upstream.close()
console.log(faults.length === 0 ? 'clean' : `${faults.length} faults; run again with --seed ${seed}`)
process.exit(faults.length === 0 ? 0 : 1)
