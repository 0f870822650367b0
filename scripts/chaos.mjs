/**
 * A composite of six upstreams and a few hundred callers, while upstreams are killed, frozen
 * and started again at random: every call ends in its own right answer or a clear error, none
 * runs twice, none gets another's answer, and afterwards nothing is left over.
 *
 *   npm run chaos                               two minutes
 *   npm run chaos -- --seconds 30 --seed 7
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'fastmesh'
import { Random } from './fuzz/random.mjs'

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const SECONDS = option('seconds', 120)
const seed = option('seed', Math.floor(Date.now() / 86_400_000))
const CALLERS = option('callers', 300)
const UPSTREAMS = 6
const random = new Random(seed)
const faults = []
const counts = { right: 0, failed: 0, killed: 0, frozen: 0 }

/** How an error may read that a caller can act on. */
const CLEAR =
  /upstream '\w+' (is unavailable|is busy|did not answer in time|refused)|connection to upstream '\w+' was lost|Unknown tool|Resource not found/

class Upstream {
  name
  port = 0
  child
  #isFrozen = false

  constructor(name) {
    this.name = name
  }

  async start() {
    const file = new URL('chaos-upstream.mjs', import.meta.url)
    this.child = fork(file, [this.name, String(this.port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const [{ port }] = await once(this.child, 'message')
    this.port = port
  }

  /** What ran more than once in its present life. */
  async twice() {
    const answer = once(this.child, 'message')
    this.child.send('twice')
    return (await answer)[0].twice
  }

  async killAndRestart(ms) {
    counts.killed += 1
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
    await delay(ms)
    await this.start()
  }

  async freeze(ms) {
    if (this.#isFrozen) return
    counts.frozen += 1
    this.#isFrozen = true
    const { child } = this
    child.kill('SIGSTOP')
    await delay(ms)
    child.kill('SIGCONT')
    this.#isFrozen = false
  }
}

const upstreams = Array.from({ length: UPSTREAMS }, (_, index) => new Upstream(`u${index}`))
await Promise.all(upstreams.map((upstream) => upstream.start()))
const servers = Object.fromEntries(
  upstreams.map(({ name, port }, index) => [
    name,
    { url: `http://127.0.0.1:${port}/mcp`, ...(index % 3 === 0 && { era: '2025-11-25' }) },
  ]),
)
const gateway = fork(new URL('chaos-gateway.mjs', import.meta.url), {
  execArgv: ['--expose-gc'],
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  env: { ...process.env, SERVERS: JSON.stringify(servers) },
})
gateway.once('exit', (code) => {
  if (code !== 0) faults.push(`the gateway has ended with ${code}`)
})
const [{ url }] = await once(gateway, 'message')

async function ask(word) {
  const answer = once(gateway, 'message')
  gateway.send(word)
  return (await answer)[0]
}

let serial = 0

/** One call, and whether what comes of it is right. */
async function callOnce(client, who) {
  const { name } = random.of(upstreams)
  const id = `${who}-${(serial += 1)}`
  const heard = []
  try {
    if (random.below(5) === 0) {
      const { contents } = await client.readResource(`echo://${name}/${id}`)
      if (contents[0].text !== `${name} ${id}`) faults.push(`${id} was answered with ${contents[0].text}`)
    } else {
      const { data } = await client.callTool(
        `${name}_run`,
        { id, ms: random.below(50) },
        { onProgress: ({ message }) => heard.push(message), timeoutMs: 20_000 },
      )
      if (data !== `${name} ${id}`) faults.push(`${id} was answered with ${data}`)
    }
    counts.right += 1
  } catch (error) {
    counts.failed += 1
    if (!CLEAR.test(error.message)) faults.push(`${id} failed unclearly: ${error.name} ${error.message}`)
  }
  if (heard.some((message) => message !== id)) faults.push(`${id} heard of ${heard}`)
}

async function caller(nth, end) {
  for (let visit = 0; Date.now() < end && faults.length < 20; visit++) {
    const era = (nth + visit) % 2 === 0 ? '2025-11-25' : '2026-07-28'
    const client = new Client(url, { era, timeoutMs: 20_000 })
    try {
      await client.connect()
      for (let calls = 3 + random.below(10); calls > 0 && Date.now() < end; calls--) {
        await callOnce(client, `c${nth}v${visit}`)
        await delay(random.below(200))
      }
    } catch (error) {
      faults.push(`c${nth} could not connect: ${error.message}`)
    } finally {
      await client.close()
    }
  }
}

/** One upstream after the other meets something. */
async function mischief(end) {
  while (Date.now() < end) {
    await delay(200 + random.below(800))
    const upstream = random.of(upstreams)
    const twice = await upstream.twice()
    if (twice.length > 0) faults.push(`ran twice: ${twice}`)
    if (random.below(2) === 0) await upstream.killAndRestart(random.below(1500))
    else await upstream.freeze(random.below(4000))
  }
}

console.log(`seed ${seed}, ${CALLERS} callers, ${SECONDS} s`)
const before = await ask('look')
const end = Date.now() + SECONDS * 1000
await Promise.all([mischief(end), ...Array.from({ length: CALLERS }, (_, nth) => caller(nth, end))])

// Whatever happened, all is well again by itself.
let now = await ask('look')
for (let tries = 0; tries < 120; tries++) {
  if (now.states.every((state) => state === 'connected') && now.requests + now.pending + now.sessions === 0)
    break
  await delay(250)
  now = await ask('look')
}
for (const upstream of upstreams) {
  const twice = await upstream.twice()
  if (twice.length > 0) faults.push(`ran twice: ${twice}`)
}
const last = new Client(url)
for (const { name } of upstreams) {
  const { data } = await last.callTool(`${name}_run`, { id: 'last', ms: 0 })
  if (data !== `${name} last`) faults.push(`${name} is not well again: ${data}`)
}
await last.close()
const stopped = await ask('stop')
for (const { child } of upstreams) child.kill()

console.log(`calls answered: ${counts.right}; failed with a clear error: ${counts.failed}`)
console.log(`upstreams killed: ${counts.killed}; frozen: ${counts.frozen}; states at the end: ${now.states}`)
console.log(`left over: ${now.requests} requests, ${now.pending} to upstreams, ${now.sessions} sessions`)
console.log(
  `heap before ${mib(before.heap)}, after ${mib(now.heap)}; unhandled: ${stopped.unhandled}; resources after the stop: ${stopped.resources.join() || 'none'}`,
)
if (now.requests + now.pending + now.sessions > 0) faults.push('something is left over')
if (now.states.some((state) => state !== 'connected')) faults.push(`not all are well again: ${now.states}`)
if (stopped.unhandled > 0) faults.push('something was not handled')
if (stopped.resources.length > 0) faults.push(`left after the stop: ${stopped.resources}`)
for (const fault of faults) console.error(`FAULT ${fault}`)
console.log(faults.length === 0 ? 'clean' : `${faults.length} faults; run again with --seed ${seed}`)
process.exit(faults.length === 0 ? 0 : 1)

function mib(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
