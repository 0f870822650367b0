/**
 * What types from server to client cost: the same 200 tools, in ten mounted servers, type-checked
 * with a client that knows them and with one that does not, in turns.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HOME = new URL('../.cache/types/', import.meta.url)
const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const ROUNDS = 5
const [SERVERS, TOOLS] = [10, 20]

const servers = Array.from({ length: SERVERS }, (_none, server) => {
  const tools = Array.from(
    { length: TOOLS },
    (_no, tool) =>
      `  .addTool({ name: 'tool${tool}', parameters: z.object({ a${tool}: z.number(), b: z.string().optional() }), outputSchema: z.object({ sum${tool}: z.number() }), execute: ({ a${tool} }) => ({ sum${tool}: a${tool} }) })`,
  )
  return `const server${server} = new FastMCP({ name: 'server${server}', version: '1.0.0' })\n${tools.join('\n')}`
})
const mounts = servers.map((_server, index) => `  .mount('m${index}', server${index})`)
const calls = servers.flatMap((_server, server) =>
  Array.from({ length: TOOLS }, (_none, tool) => [server, tool]),
)

const HEAD = `import { Client, FastMCP } from 'fastmesh'\nimport { z } from 'zod'\n\n${servers.join('\n\n')}\n
export const main = new FastMCP({ name: 'main', version: '1.0.0' })\n${mounts.join('\n')}\n`
const PROGRAMS = {
  without: `${HEAD}\nconst client = await Client.connect('http://localhost/mcp')\n${calls
    .map(([server, tool]) => `await client.callTool('m${server}_tool${tool}', { a${tool}: 1 })`)
    .join('\n')}\n`,
  with: `${HEAD}\nconst client = await Client.connect<typeof main>('http://localhost/mcp')\n${calls
    .map(
      ([server, tool]) =>
        `;(await client.callTool('m${server}_tool${tool}', { a${tool}: 1 })).data.sum${tool} satisfies number`,
    )
    .join('\n')}\n// @ts-expect-error -- there is no such tool\nawait client.callTool('m0_none', {})\n`,
}

rmSync(HOME, { recursive: true, force: true })
mkdirSync(HOME, { recursive: true })
for (const [name, program] of Object.entries(PROGRAMS)) writeFileSync(new URL(`${name}.ts`, HOME), program)

const times = { without: [], with: [] }
for (let round = 0; round < ROUNDS; round++)
  for (const name of round % 2 === 0 ? ['without', 'with'] : ['with', 'without'])
    times[name].push(check(name))
const difference = median(times.with.map((time, round) => time - times.without[round]))
console.log(`${SERVERS * TOOLS} tools in ${SERVERS} mounts, a call of each, type-checked ${ROUNDS} times:`)
console.log(`  ${median(times.without).toFixed(2)} s where the client does not know them`)
console.log(`  ${median(times.with).toFixed(2)} s where it does: ${difference.toFixed(2)} s more (limit: 2)`)

function check(name) {
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2022',
  ]
  const file = fileURLToPath(new URL(`${name}.ts`, HOME))
  const began = performance.now()
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...options, file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stdout)
  return (performance.now() - began) / 1000
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
