import { describe, expect, test } from 'vitest'
import { SlotMap } from '../../../src/util/slot-map.js'

describe('SlotMap', () => {
  test('numbers are unique over all maps, and rise', () => {
    const [one, other] = [new SlotMap<string>(), new SlotMap<string>()]
    const numbers = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? one : other).add('x'))
    expect(new Set(numbers).size).toBe(100)
    expect([...numbers].sort((a, b) => a - b)).toEqual(numbers)
  })

  test('finds values that stay while others come and go', () => {
    const map = new SlotMap<string>()
    const stays = map.add('stays')
    for (let round = 0; round < 1000; round++) {
      const number = map.add(`value ${round}`)
      expect(map.get(number)).toBe(`value ${round}`)
      map.delete(number)
      expect(map.get(number)).toBeUndefined()
    }
    expect(map.get(stays)).toBe('stays')
    expect(map.size).toBe(1)
    expect(map.values()).toEqual(['stays'])
  })

  test('grows', () => {
    const map = new SlotMap<number>()
    const numbers = Array.from({ length: 500 }, (_, at) => map.add(at))
    expect(map.size).toBe(500)
    for (const [at, number] of numbers.entries()) expect(map.get(number)).toBe(at)
  })

  test.each([0, -1, 1.5, '1', null, undefined, NaN])('has nothing for %j', (number) => {
    const map = new SlotMap<string>()
    map.add('x')
    expect(map.get(number)).toBeUndefined()
  })
})
