/** Nothing switches attribution off: no option, no environment variable, no value that is filled in by a build. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
/** The code of the published files, by their paths. */
const files = new Map<string, string>()

beforeAll(async () => {
  const options = { cwd: root.pathname }
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts'],
    options,
  )
  const [{ files: packed }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  for (const { path } of packed.filter((file) => file.path.endsWith('.js')))
    files.set(path, await readFile(new URL(path, root), 'utf8'))
}, 60_000)

/** All matches of a pattern in the published code. */
function matches(pattern: RegExp): string[] {
  return [...files.values()].flatMap((code) => [...code.matchAll(pattern)].map(([text]) => text))
}

test('the published files hold one function that attributes messages, which depends on its arguments alone', () => {
  const [text, ...others] = matches(/^function attribute\([^]*?^\}/gm)
  expect(others).toEqual([])
  const code = String(text).replace(/\/\/.*$/gm, '')
  const names = new Set(code.match(/(?<![.'"\w])[a-zA-Z_$][\w$]*/g))
  const own = ['function', 'attribute', 'about', 'ownership', 'calls', 'const', 'let', 'if', 'return', 'void']
  const local = ['named', 'call', 'only', 'undefined', 'session']
  expect([...names].filter((name) => ![...own, ...local, 'shared', 'exclusive'].includes(name))).toEqual([])
})

test('every connection attributes by that function', () => {
  expect(matches(/\battribute\(about, this\.ownership, this\.#calls\)/g)).toHaveLength(2)
})

test('the environment variables that are read are known, and none concerns attribution', () => {
  const read = matches(/env\??\.?(?:\[["'][^"']+["']\]|\.[A-Z_]+)/g).map((text) =>
    text.replace(/^env\W*|\W*$/g, ''),
  )
  expect(new Set(read)).toEqual(new Set(['FASTMESH_STATE_KEY', 'NODE_USE_ENV_PROXY']))
})

test('nothing is left to be filled in by a build', () => {
  expect(matches(/\b__(?!PURE__)[A-Z][A-Z0-9_]*__\b|import\.meta\.env/g)).toEqual([])
})
