import type { RequestId } from '../protocol/types.js'

/** How many requests that have not come yet may have been called off, and for how long that is known, in milliseconds. */
const MAX_EARLY = 100
const REMEMBERED_MS = 5000

/**
 * Requests that were called off before they came: over HTTP each message may come over a connection of
 * its own, and the one sent later overtake the other.
 */
export class EarlyCancellations {
  readonly #calledOff = new Map<RequestId, number>()

  /** It was called off, and is not there. */
  note(id: RequestId): void {
    this.#calledOff.delete(id)
    this.#calledOff.set(id, performance.now())
    const [oldest] = this.#calledOff.keys()
    if (this.#calledOff.size > MAX_EARLY) this.#calledOff.delete(oldest as RequestId)
  }

  /** Whether one that comes now was called off a moment ago. */
  take(id: RequestId): boolean {
    const at = this.#calledOff.get(id)
    return this.#calledOff.delete(id) && performance.now() - (at as number) < REMEMBERED_MS
  }
}
