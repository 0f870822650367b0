/**
 * Servers of others, from npm: an official client has to see the same of each through a proxy as directly.
 *
 *   npm run interop                         all of them
 *   npm run interop -- memory filesystem    those whose names contain one of the words
 *   npm run interop -- --front memory       the proxy is reached in memory (`http` is the default; `sse` works as well)
 *   npm run interop -- --folder DIR         where the servers are installed (default: in the temporary folder)
 *   npm run interop -- --verbose            all differences, at full length, and what the servers and the proxy logged
 *   npm run interop -- --json FILE          writes all that was observed
 *
 * A server that differs is started directly once more: what differs between its direct runs is marked `unstable`.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { differences, line, normalized, sorted } from './interop/compare.mjs'
import { EXPECTED } from './interop/expected.mjs'
import { install } from './interop/install.mjs'
import { observe } from './interop/observe.mjs'
import { SERVERS } from './interop/servers.mjs'
import { direct, proxied } from './interop/start.mjs'

const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'fastmesh-interop') },
    front: { type: 'string', default: 'http' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
/** How long a server may take to start and answer everything. */
const RUN_MS = 60_000
/** How many differences of a server are shown. */
const SHOWN = 12

const seen = new Set()
const observed = {}
const counts = { ok: 0, differs: 0, 'cannot start': 0 }
const chosen = SERVERS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))

for (const server of chosen) {
  const { state, version, transport, lines } = await outcome(server)
  counts[state] += 1
  const [first = '', ...rest] = lines
  const title = `${server.name} ${version ?? ''} (${transport})`
  console.log([`${title}: ${state}${first && `: ${first}`}`, ...rest.map((text) => `    ${text}`)].join('\n'))
}
reportExpected()
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(observed, null, 2))
console.log(
  Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', '),
)
process.exit(counts.differs === 0 ? 0 : 1)

async function outcome(server) {
  const transport = server.transport ?? 'stdio'
  let installed
  try {
    installed = install(server, options.folder)
  } catch (error) {
    return { state: 'cannot start', transport, lines: [reasonOf(error)] }
  }
  const { version } = installed
  const directly = await run(server, installed, direct)
  if (directly.failure !== undefined)
    return { state: 'cannot start', version, transport, lines: [directly.failure] }
  const through = await run(server, installed, (target) => proxied(target, options), directly.plan)
  observed[server.name] = { directly, through }
  const log = options.verbose && through.stderr !== '' ? through.stderr.split('\n') : []
  if (through.failure !== undefined)
    return { state: 'differs', version, transport, lines: [`through the proxy: ${through.failure}`, ...log] }
  const { known, unknown } = sorted(differences(directly.seen, through.seen), server, EXPECTED)
  for (const { entry } of known) seen.add(entry)
  const summary = known.length === 0 ? '' : `${known.length} expected differences`
  if (unknown.length === 0) return { state: 'ok', version, transport, lines: [summary] }
  const again = await run(server, installed, direct, directly.plan)
  const unstable = new Set(differences(directly.seen, again.seen ?? {}).map(({ path }) => path))
  const lines = unknown.map(
    (difference) =>
      (unstable.has(difference.path) ? 'unstable: ' : '') +
      line(difference, options.verbose ? 5_000 : undefined),
  )
  const hidden = options.verbose ? 0 : lines.length - SHOWN
  const shown = hidden > 0 ? [...lines.slice(0, SHOWN), `and ${hidden} more`] : lines
  return { state: 'differs', version, transport, lines: [`${lines.length} differences`, ...shown, ...log] }
}

/** One run of a server: what was seen, or why there was nothing to see. */
async function run(server, { home, entry }, start, given) {
  let started
  let timer
  try {
    const target = targetOf(server, home, entry)
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${RUN_MS / 1000} s`)), RUN_MS)
    })
    started = await start(target)
    const { seen, plan } = await Promise.race([observe(started.transport, target, given), late])
    return { seen: normalized(seen, server), plan, stderr: started.stderr() }
  } catch (error) {
    return { failure: reasonOf(error, started?.stderr()), stderr: started?.stderr() ?? '' }
  } finally {
    clearTimeout(timer)
    await started?.stop()
  }
}

/** The servers to start. Each run has a work folder of the same path and contents. */
function targetOf(server, home, entry) {
  const work = join(home, 'work')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const given = server.setup?.({ work, home }) ?? {}
  const { args = [], env = {}, roots = [work], calls = [] } = given
  return {
    command: process.execPath,
    args: [entry, ...args],
    env,
    cwd: work,
    transport: server.transport,
    path: server.path,
    roots,
    calls,
    generic: server.generic,
  }
}

function reasonOf(error, stderr = '') {
  const lines = stderr
    .trim()
    .split('\n')
    .filter((text) => /error|cannot|missing|require|must|fail/i.test(text))
  return [error.message ?? String(error), ...lines.slice(0, 2)]
    .map((text) => text.trim().slice(0, 200))
    .join(' | ')
}

function reportExpected() {
  if (seen.size > 0) console.log('expected differences:')
  for (const { servers, path, reason } of seen)
    console.log(`    ${servers?.join(', ') ?? 'all'}: ${path.source}: ${reason}`)
  if (words.length > 0) return
  for (const entry of EXPECTED)
    if (!seen.has(entry)) console.log(`    not seen any more: ${entry.path.source}: ${entry.reason}`)
}
