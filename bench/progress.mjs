/** What 10,000 progress notifications in one call cost, against writing the same bytes with node:http. */
import { Contender } from './contenders.mjs'
import { Connection, speak } from './load.mjs'

const COUNT = 10_000

export async function measureProgress(cycles) {
  console.log(`\n${COUNT} progress notifications in one call\n`)
  console.log('| server | server CPU ÷ writing the bytes |')
  console.log('| --- | ---: |')
  const floor = await Contender.start('bytes', 1)
  const server = await Contender.start('fastmesh', 1)
  for (const era of ['2025-11-25', '2026-07-28']) {
    const client = new Connection(server.port)
    const request = (await speak(era, client))('tools/call', {
      name: 'progress',
      arguments: { count: COUNT },
      _meta: { progressToken: 'token' },
    })
    const writer = new Connection(floor.port)
    const ratios = []
    for (let cycle = 0; cycle < cycles; cycle++) {
      const ours = await costOf(server, () => client.ask(request.headers, request.body(cycle + 1)))
      const theirs = await costOf(floor, () => writer.ask('', String(COUNT)))
      if (ours.body.toString().split('"notifications/progress"').length - 1 !== COUNT)
        throw new Error('Progress was lost')
      ratios.push(ours.cost / theirs.cost)
    }
    client.close()
    writer.close()
    console.log(`| fastmesh ${era} | ${ratios.sort((a, b) => a - b)[Math.floor(cycles / 2)].toFixed(2)} |`)
  }
  floor.stop()
  server.stop()
}

async function costOf(contender, ask) {
  const before = await contender.cpu()
  const { body } = await ask()
  return { body, cost: (await contender.cpu()) - before }
}
