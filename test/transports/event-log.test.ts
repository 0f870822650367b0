import { expect, test } from 'vitest'
import { EventMemory, type EventLog } from '../../src/transports/http/event-log.js'

const messagesAfter = (log: EventLog, id: string): string[] | undefined => {
  const replay = log.after(id)
  return replay instanceof Promise || replay === undefined
    ? undefined
    : replay.events.map(({ message }) => message)
}

test('what all sessions keep together is bounded: who began first is forgotten first', () => {
  const memory = new EventMemory(100)
  const [first, second, third] = [memory.log(), memory.log(), memory.log()]
  const ids = [first, second, third].map((log) => {
    const id = String(log.append('1', 'a'.repeat(10)))
    log.append('1', 'b'.repeat(20))
    return id
  })
  expect(messagesAfter(first, ids[0]!)).toEqual(['b'.repeat(20)])
  third.append('1', 'c'.repeat(20))
  expect(messagesAfter(first, ids[0]!)).toBeUndefined()
  expect(messagesAfter(second, ids[1]!)).toEqual(['b'.repeat(20)])
  expect(messagesAfter(third, ids[2]!)).toEqual(['b'.repeat(20), 'c'.repeat(20)])
  const id = String(first.append('1', 'again'))
  first.append('1', 'more')
  expect(messagesAfter(first, id)).toEqual(['more'])
  for (const log of [first, second, third]) log.clear()
})
