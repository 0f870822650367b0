/** What mounts cost: a call through five of them, lists of many, and lists after a change. */
import { composed, toolNamed } from './contenders/mounts.mjs'

const ADD = { a: 19, b: 23 }
const LIST = {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/list',
  },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  }),
}

export async function measureMounts(compare, rounds) {
  const era = '2026-07-28'
  await compare(
    'tools/call through five mounts',
    1,
    'tools/call',
    { name: 'add', arguments: ADD },
    '42',
    150,
    [
      { label: 'direct', file: 'own', era },
      { label: '5 mounts', file: 'deep', era, params: { name: 'm_m_m_m_m_add', arguments: ADD } },
    ],
  )
  await compare('tools/list of 1,000 tools', 1000, 'tools/list', {}, 'tool_999', 400, [
    { label: 'own', file: 'own', era },
    { label: '10 mounts', file: 'wide', era },
  ])
  await afterChange(rounds)
}

/** In this process, in turns: a tool comes or goes, and the list is asked for. */
async function afterChange(rounds) {
  const names = Array.from({ length: 1000 }, (_, index) => `tool_${index}`)
  const shapes = ['own', 'wide', 'deep'].map((shape) => ({ shape, ...composed(shape, names), times: [] }))
  const tool = toolNamed('new')
  for (let round = -10; round < rounds; round++)
    for (const { server, last, times } of shapes) {
      const began = performance.now()
      if (round % 2 === 0) last.addTool(tool)
      else last.removeTool('new')
      const answer = await (await server.request('/mcp', LIST)).text()
      const took = performance.now() - began
      if (answer.includes('new"') !== (round % 2 === 0)) throw new Error('The list is not what it should be')
      if (round >= 0) times.push(took)
    }
  const [own] = shapes
  console.log('\na change of one tool of 1,000, and the list after it\n')
  console.log('| server | time ÷ own | (ms) |\n| --- | ---: | ---: |')
  for (const { shape, server, times } of shapes) {
    const ratios = times.map((time, round) => time / own.times[round]).sort((a, b) => a - b)
    const ms = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]
    console.log(`| ${shape} | ${ratios[Math.floor(ratios.length / 2)].toFixed(2)} | ${ms.toFixed(2)} |`)
    await server.stop()
  }
}
