import { afterEach, describe, expect, test, vi } from 'vitest'
import { ReconnectSchedule } from '../../../src/util/reconnect-schedule.js'

describe('ReconnectSchedule', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('waits longer after each failure, up to a bound', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const schedule = new ReconnectSchedule()
    expect(schedule.waitMs).toBe(0)
    for (let failure = 0; failure < 12; failure++) {
      schedule.failed(new Error('down'))
      const most = Math.min(250 * 2 ** failure, 10_000)
      expect(schedule.waitMs).toBeGreaterThanOrEqual(most / 2)
      expect(schedule.waitMs).toBeLessThanOrEqual(most)
    }
  })

  test('reports the failure only while the next attempt has to wait', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const schedule = new ReconnectSchedule()
    const error = new Error('down')
    schedule.failed(error)
    expect(schedule.recentFailure).toEqual({ error })
    vi.advanceTimersByTime(250)
    expect(schedule.recentFailure).toBeUndefined()
    expect(schedule.hasFailed).toBe(true)
    schedule.succeeded()
    expect(schedule.hasFailed).toBe(false)
  })

  test('honours Retry-After, up to five minutes', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const schedule = new ReconnectSchedule()
    schedule.failed(Object.assign(new Error('busy'), { retryAfterMs: 60_000 }))
    expect(schedule.waitMs).toBe(60_000)
    schedule.failed(Object.assign(new Error('busy'), { retryAfterMs: 10 ** 9 }))
    expect(schedule.waitMs).toBe(5 * 60_000)
  })

  test('starts again after a reset', () => {
    const schedule = new ReconnectSchedule()
    for (let failure = 0; failure < 8; failure++) schedule.failed(new Error('down'))
    schedule.reset()
    schedule.failed(new Error('down'))
    expect(schedule.waitMs).toBeLessThanOrEqual(250)
  })
})
