/** What surrounds every run: middleware of one's own, and what comes ready-made. */
import assert from 'node:assert/strict'
import { FastMCP, UserError } from 'fastmesh'
import { cache, limitSize, logging, rateLimit, retry, timing, type RunReport } from 'fastmesh/middleware'
import { connect } from './connect.js'

let runs = 0
const child = new FastMCP({ name: 'Child', version: '1.0.0' }).addTool({
  name: 'count',
  annotations: { readOnlyHint: true },
  execute: () => `run ${(runs += 1)}`,
})

const story: string[] = []
const reports: RunReport[] = []
const timings = timing()
const main = new FastMCP({ name: 'Main', version: '1.0.0' })
  .use(async ({ kind, name }, next) => {
    story.push(`${kind} ${name}`)
    return next()
  })
  .use(logging({ log: (report) => reports.push(report) }))
  .use(timings)
  .use('tool', ({ params }, next) => {
    if (params['forbidden'] === true) throw new UserError('Not like that')
    return next()
  })
  .use(rateLimit({ limit: 5, windowMs: 60_000 }))
  .use(cache({ ttlMs: 60_000 }))
  .use(retry({ attempts: 2 }))
  .use(limitSize({ maxBytes: 10_000 }))
  .mount('child', child)

const client = await connect(main, 'legacy')
const call = async (args: Record<string, unknown> = {}) => {
  const { content } = await client.callTool({ name: 'child_count', arguments: args })
  return (content as { text: string }[])[0]?.text
}
assert.equal(await call(), 'run 1')
assert.equal(await call(), 'run 1')
assert.equal(await call({ forbidden: true }), 'Not like that')
assert.equal(await call({ other: true }), 'run 2')
for (let time = 0; time < 2; time += 1) await call()
assert.match((await call()) ?? '', /^Too many calls: try again in \d+ s$/)

assert.equal(story[0], 'tool child_count')
assert.deepEqual(
  reports.map(({ outcome }) => outcome),
  ['done', 'done', 'failed', 'done', 'done', 'done', 'failed'],
)
assert.equal(timings.timings()['tool child_count']?.count, 7)
await client.close()
