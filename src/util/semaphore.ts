import type { CancelSignal } from '../runtime/cancellation.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

interface Waiter {
  readonly admit: () => void
  readonly reject: (reason: unknown) => void
}

export interface SemaphoreLimits {
  /** How many calls run at once. */
  readonly limit: number
  /** How many calls hold a socket at once, suspended ones included. Default: no limit. */
  readonly socketLimit?: number | undefined
  /** How many calls wait at once. */
  readonly queueLimit: number
}

/** Admits calls within limits, and queues the others. A call holds a slot while it runs, and a socket until it is over. */
export class Semaphore {
  readonly #limit: number
  readonly #socketLimit: number
  readonly #queueLimit: number
  readonly #queue = new Set<Waiter>()
  /** Calls that go on after they were suspended: before all others, and without a limit of their own. */
  readonly #resuming: (() => void)[] = []
  #running = 0
  #sockets = 0

  constructor({ limit, socketLimit = Infinity, queueLimit }: SemaphoreLimits) {
    this.#limit = limit
    this.#socketLimit = socketLimit
    this.#queueLimit = queueLimit
  }

  /** How many calls run or wait. */
  get size(): number {
    return this.#running + this.#resuming.length + this.#queue.size
  }

  /**
   * Takes a slot and a socket, at once (`undefined`) or when it is the call's turn.
   * @throws the error of `onOverflow` where too many calls wait, or this one for longer than `timeoutMs`; the reason of `signal`.
   */
  acquire(
    signal: CancelSignal | undefined,
    onOverflow: () => Error,
    timeoutMs: number = LONGEST_TIMER_MS,
  ): Promise<void> | undefined {
    if (this.#queue.size === 0 && this.tryAcquire()) return undefined
    if (this.#queue.size >= this.#queueLimit) return Promise.reject(onOverflow())
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const settle = (): void => {
        clearTimeout(timer)
        this.#queue.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        admit: () => {
          settle()
          resolve()
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      }
      const onAbort = (): void => {
        waiter.reject(signal?.reason)
      }
      const timer = setTimeout(
        () => {
          waiter.reject(onOverflow())
        },
        Math.min(timeoutMs, LONGEST_TIMER_MS),
      )
      this.#queue.add(waiter)
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** Takes both if they are free now. */
  tryAcquire(): boolean {
    if (this.#running >= this.#limit || this.#sockets >= this.#socketLimit) return false
    this.#running += 1
    this.#sockets += 1
    return true
  }

  /** Takes a slot for a call that was suspended and still holds its socket. */
  resume(): Promise<void> | undefined {
    if (this.#running < this.#limit) {
      this.#running += 1
      return undefined
    }
    return new Promise((resolve) => {
      this.#resuming.push(resolve)
    })
  }

  /** Returns the slot of a call that no longer runs. It keeps its socket if it is only suspended. */
  release(): void {
    this.#running -= 1
    this.#admitNext()
  }

  /** Returns the socket of a call that is over. */
  releaseSocket(): void {
    this.#sockets -= 1
    this.#admitNext()
  }

  /** Rejects all calls that wait. */
  rejectWaiters(reason: unknown): void {
    for (const { reject } of [...this.#queue]) reject(reason)
  }

  #admitNext(): void {
    if (this.#running < this.#limit && this.#resuming.length > 0) {
      this.#running += 1
      this.#resuming.shift()?.()
      return
    }
    const [next] = this.#queue
    if (next !== undefined && this.tryAcquire()) next.admit()
  }
}
