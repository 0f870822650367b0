import type { RequestId } from '../protocol/types.js'

/** How many requests are known that were called off before they came, and that have ended; and for how long the former are, in milliseconds. */
const MAX_KNOWN = 64
const REMEMBERED_MS = 5000

/** Ids that are longer are nobody's that means well, and are not kept. */
const MAX_ID_LENGTH = 200

/**
 * Requests that were called off before they came: over HTTP each message may come over a connection of
 * its own, and the one sent later overtake the other.
 */
export class EarlyCancellations {
  readonly #calledOff: { readonly id: RequestId; readonly until: number }[] = []
  readonly #ended: RequestId[] = []
  #lastEnded = 0

  /** A request has ended: who calls it off now comes too late, not too early. */
  ended(id: RequestId): void {
    if (isShort(id)) this.#ended[this.#lastEnded++ % MAX_KNOWN] = id
  }

  /** It was called off, and is not there. */
  note(id: unknown): void {
    if (!isShort(id) || this.#ended.includes(id)) return
    if (this.#calledOff.length >= MAX_KNOWN) this.#calledOff.shift()
    this.#calledOff.push({ id, until: performance.now() + REMEMBERED_MS })
  }

  /** Whether one that comes now was called off a moment ago. */
  take(id: RequestId): boolean {
    if (this.#calledOff.length === 0) return false
    const at = this.#calledOff.findIndex((early) => early.id === id)
    const [early] = at < 0 ? [] : this.#calledOff.splice(at, 1)
    return early !== undefined && early.until > performance.now()
  }
}

function isShort(id: unknown): id is RequestId {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ID_LENGTH)
}
