import { expect, test } from 'vitest'
import type { Relay } from '../../../src/components/context.js'
import { CallMemory, earlierUpstream } from '../../../src/proxy/call-memory.js'

/** A relay that remembers values from round to round of a client's request, as JSON. */
function remembering(): Relay {
  const values = new Map<string, string>()
  return {
    recall: (key: string) => JSON.parse(values.get(key) ?? 'null') ?? undefined,
    remember: (key: string, value: unknown) => values.set(key, JSON.stringify(value)),
  } as unknown as Relay
}

const call = (name: string, index = 1) => ({
  method: 'tools/call',
  params: { name, arguments: { a: 1, b: 2 } },
  index,
})

test('a value › is recalled by the same call in a later round', () => {
  const relay = remembering()
  new CallMemory(relay, 'x', call('order')).remember('kept')
  const again = { ...call('order'), params: { arguments: { b: 2, a: 1 }, name: 'order' } }
  expect(new CallMemory(relay, 'x', again).recall()).toBe('kept')
  expect(new CallMemory(relay, 'x', call('order', 2)).recall()).toBeUndefined()
  expect(earlierUpstream(relay, 1)).toBe('x')
})

test.each([
  ['with another name', 'x', call('other')],
  ['with other arguments', 'x', { ...call('order'), params: { name: 'order', arguments: { a: 2 } } }],
  ['of another method', 'x', { ...call('order'), method: 'prompts/get' }],
  ['to another server', 'y', call('order')],
])('a call %s in the same place › is refused', (_name, upstream, other) => {
  const relay = remembering()
  new CallMemory(relay, 'x', call('order')).remember('kept')
  expect(() => new CallMemory(relay, upstream, other).recall()).toThrow('in the same order in each round')
})
