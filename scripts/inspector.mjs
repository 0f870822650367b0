/** Have the MCP Inspector's command line list and call a tool of the everything server, in every era it speaks. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { withEverythingServer } from './everything.mjs'
import { besideNode22, node22 } from './node-22.mjs'

const VERSION = '2.12.0'
const ERAS = ['legacy', 'auto', 'modern']

const node = node22()
const folder = besideNode22('@modelcontextprotocol/inspector', VERSION)
await withEverythingServer(async (url) => {
  for (const era of ERAS) {
    const listed = inspect(url, era, '--method', 'tools/list')
    if (!listed.tools?.some(({ name }) => name === 'add_numbers')) fail(era, 'tools/list', listed)
    const called = inspect(
      url,
      era,
      '--method',
      'tools/call',
      '--tool-name',
      'add_numbers',
      '--tool-arg',
      'a=19',
      'b=23',
    )
    if (called.content?.[0]?.text !== '42') fail(era, 'tools/call', called)
    console.log(`inspector ${era}: ${listed.tools.length} tools listed, 19 + 23 = ${called.content[0].text}`)
  }
})

function inspect(url, era, ...args) {
  const entry = join(folder, 'clients/launcher/build/index.js')
  const options = ['--cli', url, '--transport', 'http', '--protocol-era', era, '--format', 'json', ...args]
  const { stdout, stderr } = spawnSync(node, [entry, ...options], { encoding: 'utf8' })
  try {
    return JSON.parse(stdout).result
  } catch {
    throw new Error(`The inspector said no JSON: ${stdout}${stderr}`)
  }
}

function fail(era, method, answer) {
  throw new Error(`inspector ${era}: ${method} gave ${JSON.stringify(answer)}`)
}
