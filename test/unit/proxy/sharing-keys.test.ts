import { expect, test, vi } from 'vitest'
import { SharingKeys } from '../../../src/proxy/sharing-keys.js'

const NOTHING = { principal: undefined, identity: undefined, headers: undefined, flags: 0 }

test('callers with the same headers, identity and capabilities › have the same key', () => {
  const keys = new SharingKeys()
  const sent = { ...NOTHING, headers: { a: '1', b: '2' }, flags: 3 }
  const key = keys.of(sent)
  expect(keys.of({ ...sent, principal: 'alice', headers: { b: '2', a: '1' } }).id).toBe(key.id)
  for (const other of [{ headers: { a: '1' } }, { identity: 'alice' }, { flags: 4 }])
    expect(keys.of({ ...sent, ...other }).id).not.toBe(key.id)
})

test('more than eight variants of capabilities of one caller › are that without capabilities', () => {
  const keys = new SharingKeys()
  const ofAnonymous = Array.from({ length: 100 }, (_, flags) => keys.common(undefined, flags))
  expect(new Set(ofAnonymous.map(({ id }) => id)).size).toBe(8)
  expect(ofAnonymous.at(-1)).toMatchObject({ flags: 0, isOverLimit: false })
  // Those that it has stay, and those of another caller are its own.
  expect(keys.common(undefined, 7).flags).toBe(7)
  expect(keys.common('alice', 99).flags).toBe(99)
})

test('more than 64 sets of headers of one caller › are over the limit, until others were unused for a while', () => {
  vi.useFakeTimers()
  try {
    const keys = new SharingKeys()
    const of = (at: number, principal?: string) =>
      keys.of({ ...NOTHING, principal, headers: { at: `${at}` }, flags: 1 })
    for (let at = 0; at < 64; at++) expect(of(at)).toMatchObject({ isOverLimit: false, flags: 1 })
    expect(of(64)).toMatchObject({ isOverLimit: true, flags: 0 })
    expect(of(63).isOverLimit).toBe(false)
    expect(of(64, 'alice').isOverLimit).toBe(false)
    vi.advanceTimersByTime(6 * 60_000)
    expect(of(64).isOverLimit).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})
