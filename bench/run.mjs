/**
 * Compare servers in one run, in turns of a fraction of a second, so that whatever else the
 * machine does meets all of them alike. Only ratios mean anything.
 *
 *   npm run bench                 everything
 *   npm run bench -- --quick      fewer turns
 *   npm run bench -- tools/call   one part
 */
import { CONTENDERS, Contender } from './contenders.mjs'
import { Load } from './load.mjs'
import { measureImport } from './import.mjs'
import { measureSessions } from './sessions.mjs'
import { measureMounts } from './mounts.mjs'
import { measureProgress } from './progress.mjs'
import { measureProxies } from './proxies.mjs'

const quick = process.argv.includes('--quick')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const CYCLES = quick ? 4 : 25

/** Before each turn: who has just waited while others ran is not as fast as who is at work. */
const RUN_IN_MS = 100

const PARTS = {
  'tools/call': () =>
    compare('tools/call, 1 tool', 1, 'tools/call', { name: 'add', arguments: { a: 19, b: 23 } }, '42'),
  'tools/list': async () => {
    await compare('tools/list, 10 tools', 10, 'tools/list', {}, 'tool_9')
    await compare('tools/list, 1,000 tools', 1000, 'tools/list', {}, 'tool_999', 400)
  },
  mounts: () => measureMounts(compare, quick ? 20 : 200),
  proxies: () => measureProxies(compare),
  progress: () => measureProgress(quick ? 3 : 15),
  sessions: () => measureSessions(quick),
  import: () => measureImport(quick ? 3 : 15),
}

for (const [part, measure] of Object.entries(PARTS))
  if (wanted.length === 0 || wanted.includes(part)) await measure()

async function compare(title, tools, method, params, check, slice = 150, contenders = CONTENDERS) {
  const runners = []
  for (const contender of contenders) {
    const server = await Contender.start(contender.file, tools, [], contender.env)
    const load = await Load.open({
      ...contender,
      port: server.port,
      method,
      params: contender.params ?? params,
      check,
    })
    await load.run(contender.warmUpMs ?? slice * 4)
    runners.push({ ...contender, server, load, rates: [], costs: [] })
  }
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    for (const runner of cycle % 2 === 0 ? runners : runners.toReversed()) {
      await runner.load.run(RUN_IN_MS)
      const before = await runner.server.cpu()
      const began = performance.now()
      const count = await runner.load.run(slice)
      runner.rates.push(count / (performance.now() - began))
      runner.costs.push(((await runner.server.cpu()) - before) / count)
    }
  }
  report(title, runners)
  for (const { load, server } of runners) {
    load.close()
    server.stop()
  }
}

/** Each beside its base: the first of all, unless it names another. With so many callers as before, a rate says how long a call takes. */
function report(title, runners) {
  const [first] = runners
  const baseOf = ({ base }) => runners.find(({ label }) => label === base) ?? first
  const several = new Set(runners.map(baseOf)).size > 1
  const beside = several ? 'its base' : first.label
  console.log(`\n${title}\n`)
  console.log(
    `| server | requests/s ÷ ${beside} | time per call ÷ ${beside} | server CPU ÷ ${beside} | (requests/s) | (CPU µs) |`,
  )
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const runner of runners) {
    const base = baseOf(runner)
    const rate = median(runner.rates.map((rate, cycle) => rate / base.rates[cycle]))
    const cost = median(runner.costs.map((cost, cycle) => cost / base.costs[cycle]))
    const absolute = `${Math.round(median(runner.rates) * 1000)} | ${Math.round(median(runner.costs))}`
    const label = several ? `${runner.label} (÷ ${base.label})` : runner.label
    console.log(
      `| ${label} | ${rate.toFixed(3)} | ${(1 / rate).toFixed(2)} | ${cost.toFixed(2)} | ${absolute} |`,
    )
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
