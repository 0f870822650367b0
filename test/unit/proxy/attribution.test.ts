import { describe, expect, test } from 'vitest'
import type { RelaySession } from '../../../src/components/context.js'
import { attribute, type Ownership } from '../../../src/proxy/attribution.js'

const session = { id: 'a session' } as RelaySession
const [first, second] = [{ call: 1 }, { call: 2 }]
const IS_OVER = Symbol('a request that is over')

const OWNERSHIPS: readonly Ownership[] = ['shared', 'exclusive', { session }]

describe.each(OWNERSHIPS)('on a connection that is %s', (ownership) => {
  test('a message that names a running call › goes to it', () => {
    expect(attribute(first, ownership, [first])).toEqual({ call: first })
    expect(attribute(first, ownership, [first, second])).toEqual({ call: first })
  })

  test.each([IS_OVER, { call: 3 }, 'an unknown request'])(
    'a message that names %o › goes to nobody',
    (about) => {
      expect(attribute(about, ownership, [])).toBeUndefined()
      expect(attribute(about, ownership, [first])).toBeUndefined()
      expect(attribute(about, ownership, [first, second])).toBeUndefined()
    },
  )
})

test('an unnamed message on a shared connection › goes to nobody', () => {
  expect(attribute(undefined, 'shared', [])).toBeUndefined()
  expect(attribute(undefined, 'shared', [first])).toBeUndefined()
  expect(attribute(undefined, 'shared', [first, second])).toBeUndefined()
})

test('an unnamed message on an exclusive connection › goes to the call that runs, if there is one', () => {
  expect(attribute(undefined, 'exclusive', [])).toBeUndefined()
  expect(attribute(undefined, 'exclusive', [first])).toEqual({ call: first })
})

test('an unnamed message on the connection of a session › goes to its only call, else to the session', () => {
  expect(attribute(undefined, { session }, [])).toEqual({ session })
  expect(attribute(undefined, { session }, [first])).toEqual({ call: first })
  expect(attribute(undefined, { session }, [first, second])).toEqual({ session })
})
