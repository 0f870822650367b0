/**
 * Ten callers of proxies before hostile upstreams: no caller gets a message, result or header of another.
 *
 *   npm run isolation                                    a minute and 5,000 calls
 *   npm run isolation -- --seconds 20 --calls 0 --seed 7
 *   npm run isolation -- --package dist/index.js         that build
 *   npm run isolation -- --mutate                        a build that mixes callers up has to be found out
 */
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Caller, CALLERS } from './isolation/callers.mjs'
import { Judge } from './isolation/judge.mjs'
import { findsMutant } from './isolation/mutant.mjs'
import { startNetwork } from './isolation/network.mjs'

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : process.argv[at + 1]
}
const SECONDS = Number(option('seconds', 60))
const CALLS = Number(option('calls', 5000))
const SEED = Number(option('seed', 1))
const PACKAGE = option('package', fileURLToPath(new URL('../dist/index.js', import.meta.url)))
/** Whether the first foreign tag is enough. */
const STOPS_EARLY = process.argv.includes('--stop-early')

const LONGEST_MS = 4 * 60_000
const STANDSTILL_MS = 30_000
const MAX_FAULTS = 100
/** How long the processes of upstreams may take to end, and then this one, in milliseconds. */
const ENDING_MS = 15_000

const doing = process.argv.includes('--mutate') ? mutate() : run()
process.exitCode = await doing.catch((error) => {
  console.error(error)
  return 1
})

// A run that leaves something behind would not end.
setTimeout(() => {
  console.error('isolation: the process does not exit by itself')
  process.exit(1)
}, ENDING_MS).unref()

async function mutate() {
  const harness = fileURLToPath(import.meta.url)
  const { found, summary } = await findsMutant(harness, SEED)
  console.log(`isolation: a build that mixes callers up was ${found ? '' : 'not '}found out: ${summary}`)
  return found ? 0 : 1
}

async function run() {
  const judge = new Judge(SEED)
  for (const event of ['unhandledRejection', 'uncaughtException'])
    process.on(event, (error) => judge.wrong(`${event}: ${error?.stack ?? error}`))
  const fastmesh = await import(pathToFileURL(resolve(PACKAGE)).href)
  const reports = await listen(judge)
  const network = await startNetwork(fastmesh, judge.observer, reports.port)
  const harness = { judge, fastmesh, urls: network.urls, left: 0 }
  const began = Date.now()
  await callAll(harness, began)
  const seconds = Math.round((Date.now() - began) / 1000)
  await network.stop().catch((error) => judge.wrong(`it could not be stopped: ${error.stack}`))
  await reports.close()
  judge.checkHeard()
  const unexplained = judge.unexplained()
  judge.report()
  const count = (number) => number.toLocaleString('en')
  console.log(
    `isolation: seed ${SEED}, ${count(judge.calls)} calls in ${seconds} s, ${count(judge.faults)} faults injected, ${count(judge.foreign)} foreign tags, ${count(unexplained)} unexplained failures`,
  )
  return judge.foreign + unexplained > 0 ? 1 : 0
}

/** Until there were enough calls for long enough; a standstill ends it as well. */
async function callAll(harness, began) {
  const { judge } = harness
  judge.lastFinished = Date.now()
  const isStill = () => Date.now() - judge.lastFinished > STANDSTILL_MS
  const isEnough = () => judge.calls >= CALLS && Date.now() - began >= SECONDS * 1000
  const isOver = () =>
    isEnough() ||
    Date.now() - began > LONGEST_MS ||
    judge.foreign >= (STOPS_EARLY ? 1 : MAX_FAULTS) ||
    isStill()
  const callers = CALLERS.map((_caller, nth) => new Caller(nth, SEED, harness).run(isOver))
  let isDone = false
  void Promise.all(callers).then(() => (isDone = true))
  while (!isDone && !isStill()) await delay(50)
  if (isDone) return
  judge.wrong(`no call finished for ${STANDSTILL_MS / 1000} s; under way: ${judge.waiting}`)
}

/** Hears what the processes of upstreams report. */
async function listen(judge) {
  const sockets = new Set()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    createInterface({ input: socket }).on('line', (line) => {
      const [what, ...details] = JSON.parse(line)
      judge.observer[what](...details)
    })
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    port: server.address().port,
    /** Waits for the processes to end. */
    close: async () => {
      for (const end = Date.now() + ENDING_MS; sockets.size > 0 && Date.now() < end;) await delay(50)
      if (sockets.size > 0) judge.wrong(`${sockets.size} processes of upstreams are left`)
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
