import type { CancelSignal } from '../runtime/cancellation.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

/** Lets so many through at once, and so many wait. */
export class Gate {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #waiting = new Set<{ readonly go: () => void; readonly refuse: (reason: unknown) => void }>()
  #inside = 0

  constructor(most: number, mostWaiting: number) {
    this.#most = most
    this.#mostWaiting = mostWaiting
  }

  /** How many are inside or wait. */
  get size(): number {
    return this.#inside + this.#waiting.size
  }

  /**
   * Go in, at once or when it is one's turn; `undefined` where there was nothing to wait for. Who is in has to `leave`.
   * @throws what `full` makes where too many wait, or one for longer than `patienceMs`; the reason of `signal`.
   */
  enter(
    signal: CancelSignal | undefined,
    full: () => Error,
    patienceMs: number = LONGEST_TIMER_MS,
  ): Promise<void> | undefined {
    if (this.tryEnter()) return undefined
    if (this.#waiting.size >= this.#mostWaiting) return Promise.reject(full())
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        signal?.removeEventListener('abort', stop)
      }
      const go = (): void => {
        settle()
        this.#inside += 1
        resolve()
      }
      const refuse = (reason: unknown): void => {
        settle()
        reject(reason)
      }
      const stop = (): void => {
        refuse(signal?.reason)
      }
      const waiting = { go, refuse }
      signal?.throwIfAborted()
      this.#waiting.add(waiting)
      signal?.addEventListener('abort', stop)
      const timer = setTimeout(
        () => {
          refuse(full())
        },
        Math.min(patienceMs, LONGEST_TIMER_MS),
      )
    })
  }

  /** Go in if that is possible at once. */
  tryEnter(): boolean {
    if (this.#inside >= this.#most) return false
    this.#inside += 1
    return true
  }

  leave(): void {
    this.#inside -= 1
    const [next] = this.#waiting
    if (this.#inside < this.#most) next?.go()
  }

  /** Nobody who waits gets in. */
  refuseAll(reason: unknown): void {
    for (const { refuse } of [...this.#waiting]) refuse(reason)
  }
}
