/**
 * Why there are the tests that there are: `checks.json` lists what strangers can do, what must
 * come of it, where that was seen or what forbids it, and the tests that show what happens here.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Check {
  readonly id: string
  readonly what: string
  readonly reason: string
  readonly tests: readonly { readonly file: string; readonly title: string }[]
}

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const checks = JSON.parse(read('security/checks.json')) as readonly Check[]

test.each(checks)('$id: $what', ({ reason, tests }) => {
  expect(URL.canParse(reason)).toBe(true)
  expect(tests.length).toBeGreaterThan(0)
  for (const { file, title } of tests) expect(read(file), `${file} has no test "${title}"`).toContain(title)
})

test('each check is there once', () => {
  const ids = checks.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})
