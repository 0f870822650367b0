/** How long importing the root entry takes, against Hono with its Node server. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SUBJECTS = {
  'hono + @hono/node-server': "await Promise.all([import('hono'), import('@hono/node-server')])",
  fastmesh: "await import('../dist/index.js')",
  fastmcp: "await import('fastmcp')",
  'sdk v2':
    "await Promise.all([import('@modelcontextprotocol/server'), import('@modelcontextprotocol/node')])",
}

export function measureImport(cycles) {
  const times = Object.fromEntries(Object.keys(SUBJECTS).map((label) => [label, []]))
  for (let cycle = 0; cycle < cycles; cycle++)
    for (const [label, code] of Object.entries(SUBJECTS)) times[label].push(timeOf(code))
  console.log('\nimport of the root entry\n')
  console.log('| package | time ÷ Hono with its Node server |')
  console.log('| --- | ---: |')
  const [floor] = Object.values(times)
  for (const [label, own] of Object.entries(times)) {
    const ratios = own.map((time, cycle) => time / floor[cycle]).sort((a, b) => a - b)
    console.log(`| ${label} | ${ratios[Math.floor(cycles / 2)].toFixed(2)} |`)
  }
}

function timeOf(code) {
  const script = `const began = performance.now(); ${code}; console.log(performance.now() - began)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: HERE,
    encoding: 'utf8',
  })
  return Number(stdout)
}
