import type { CancelSignal } from '../runtime/cancellation.js'

/** Lets so many through at once, and so many wait. */
export class Gate {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #waiting = new Set<() => void>()
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
   * @throws what `full` makes where too many wait; the reason of `signal`.
   */
  enter(signal: CancelSignal | undefined, full: () => Error): Promise<void> | undefined {
    if (this.#inside < this.#most) {
      this.#inside += 1
      return undefined
    }
    if (this.#waiting.size >= this.#mostWaiting) return Promise.reject(full())
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(go)
        reject(signal?.reason)
      }
      const go = (): void => {
        this.#waiting.delete(go)
        signal?.removeEventListener('abort', stop)
        this.#inside += 1
        resolve()
      }
      signal?.throwIfAborted()
      this.#waiting.add(go)
      signal?.addEventListener('abort', stop)
    })
  }

  leave(): void {
    this.#inside -= 1
    const [next] = this.#waiting
    if (this.#inside < this.#most) next?.()
  }
}
