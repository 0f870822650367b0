import { expect, test } from 'vitest'
import { EventMemory, type EventLog } from '../../src/transports/http/event-log.js'

const messagesAfter = (log: EventLog, id: string): string[] | undefined => {
  const replay = log.after(id)
  return replay instanceof Promise || replay === undefined
    ? undefined
    : replay.events.map(({ message }) => message)
}

/** Without a store of its own a log answers at once. */
const append = (log: EventLog, message: string): string => log.append('1', message) as string

test('what all sessions keep together is bounded: who began first is forgotten first', () => {
  const memory = new EventMemory(100)
  const [first, second, third] = [memory.log(), memory.log(), memory.log()]
  const ids = [first, second, third].map((log) => {
    const id = append(log, 'a'.repeat(10))
    append(log, 'b'.repeat(20))
    return id
  })
  expect(messagesAfter(first, ids[0]!)).toEqual(['b'.repeat(20)])
  append(third, 'c'.repeat(20))
  expect(messagesAfter(first, ids[0]!)).toBeUndefined()
  expect(messagesAfter(second, ids[1]!)).toEqual(['b'.repeat(20)])
  expect(messagesAfter(third, ids[2]!)).toEqual(['b'.repeat(20), 'c'.repeat(20)])
  const id = append(first, 'again')
  append(first, 'more')
  expect(messagesAfter(first, id)).toEqual(['more'])
  for (const log of [first, second, third]) log.clear()
})
