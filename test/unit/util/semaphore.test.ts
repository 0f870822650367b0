import { describe, expect, test } from 'vitest'
import { Semaphore } from '../../../src/util/semaphore.js'

const overflow = (): Error => new Error('full')

describe('Semaphore', () => {
  test('admits up to its limit at once, and others in order', async () => {
    const semaphore = new Semaphore({ limit: 2, queueLimit: 10 })
    expect(semaphore.acquire(undefined, overflow)).toBeUndefined()
    expect(semaphore.acquire(undefined, overflow)).toBeUndefined()
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (at) => {
      await semaphore.acquire(undefined, overflow)
      order.push(at)
    })
    expect(semaphore.size).toBe(5)
    for (let call = 0; call < 3; call++) {
      semaphore.release()
      semaphore.releaseSocket()
    }
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    expect(semaphore.size).toBe(2)
  })

  test('rejects beyond its queue, and after the time-out', async () => {
    const semaphore = new Semaphore({ limit: 1, queueLimit: 1 })
    semaphore.tryAcquire()
    const waiting = semaphore.acquire(undefined, overflow, 10)
    await expect(semaphore.acquire(undefined, overflow)).rejects.toThrow('full')
    await expect(waiting).rejects.toThrow('full')
    expect(semaphore.size).toBe(1)
  })

  test('an aborted waiter leaves the queue', async () => {
    const semaphore = new Semaphore({ limit: 1, queueLimit: 1 })
    semaphore.tryAcquire()
    const controller = new AbortController()
    const waiting = semaphore.acquire(controller.signal, overflow)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(semaphore.acquire(controller.signal, overflow)).rejects.toThrow('enough')
    expect(semaphore.size).toBe(1)
  })

  test('a suspended call gives back its slot and keeps its socket', async () => {
    const semaphore = new Semaphore({ limit: 1, socketLimit: 2, queueLimit: 10 })
    semaphore.tryAcquire()
    semaphore.release()
    expect(semaphore.acquire(undefined, overflow)).toBeUndefined()
    semaphore.release()
    let isAdmitted = false
    const waiting = semaphore.acquire(undefined, overflow)?.then(() => (isAdmitted = true))
    await Promise.resolve()
    expect(isAdmitted).toBe(false)
    semaphore.releaseSocket()
    await waiting
    expect(isAdmitted).toBe(true)
  })

  test('does not let a new call overtake those that wait', async () => {
    const semaphore = new Semaphore({ limit: 1, queueLimit: 10 })
    semaphore.tryAcquire()
    const first = semaphore.acquire(undefined, overflow)
    semaphore.release()
    semaphore.releaseSocket()
    const second = semaphore.acquire(undefined, overflow)
    expect(second).toBeInstanceOf(Promise)
    await first
    semaphore.rejectWaiters(new Error('closed'))
    await expect(second).rejects.toThrow('closed')
  })

  test('a resumed call goes before those that wait, whatever the limit of the queue', async () => {
    const semaphore = new Semaphore({ limit: 1, queueLimit: 0 })
    semaphore.tryAcquire()
    const order: string[] = []
    const first = semaphore.resume()?.then(() => order.push('first'))
    const second = semaphore.resume()?.then(() => order.push('second'))
    await expect(semaphore.acquire(undefined, overflow)).rejects.toThrow()
    expect(semaphore.size).toBe(3)
    semaphore.release()
    await first
    expect(order).toEqual(['first'])
    semaphore.release()
    await second
    expect(order).toEqual(['first', 'second'])
    semaphore.release()
    expect(semaphore.resume()).toBeUndefined()
  })
})
