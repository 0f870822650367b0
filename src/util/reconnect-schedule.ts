import { backOffMs } from './back-off.js'

/** The longest wait between two attempts, and the longest that a server may ask for, in milliseconds. */
const LONGEST_WAIT_MS = 10_000
const LONGEST_RETRY_AFTER_MS = 5 * 60_000

/** When a server that could not be reached is tried again, whatever the attempt is made for. */
export class ReconnectSchedule {
  #failures = 0
  #failure: { readonly error: unknown } | undefined
  #nextAt = 0

  /** The last attempt has failed. `Retry-After` of an HTTP response counts where it is longer than the back-off. */
  failed(error: unknown): void {
    const { retryAfterMs = 0 } = error as { readonly retryAfterMs?: number }
    const backOff = backOffMs(this.#failures, LONGEST_WAIT_MS)
    this.#failures += 1
    this.#failure = { error }
    this.#nextAt = performance.now() + Math.max(backOff, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS))
  }

  succeeded(): void {
    this.#failure = undefined
    this.#nextAt = 0
  }

  /** Forgets earlier failures: the next ones are waited for as the first ones are. */
  reset(): void {
    this.#failures = 0
  }

  /** Whether the last attempt has failed. */
  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** How long the next attempt has to wait, in milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.#nextAt - performance.now())
  }

  /** The last failure, while the next attempt has to wait. */
  get recentFailure(): { readonly error: unknown } | undefined {
    return this.waitMs > 0 ? this.#failure : undefined
  }
}
