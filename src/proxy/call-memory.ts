import type { Relay } from '../components/context.js'
import { invalidRequest } from '../errors.js'
import { canonicalJson, isObject } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import { hashText } from '../util/hash-text.js'

/** A call of one of a client's requests to a server behind a proxy. */
export interface NumberedCall {
  readonly method: string
  readonly params: JsonObject
  /** Numbers the calls of the client's request, in the order in which they are made, from 1 on. */
  readonly index: number
}

/** A value that a call keeps, and what it is checked by. */
interface Entry {
  readonly upstream: string
  readonly check: string
  readonly value: unknown
}

/**
 * The value that a call keeps for the later rounds of its request, in which the handler runs again from the top and makes
 * the call again (2026-07-28, basic/patterns/mrtr).
 */
export class CallMemory {
  /** Names the call in its request: the same in each round. */
  readonly key: string
  readonly #relay: Relay
  readonly #upstream: string
  readonly #call: NumberedCall

  constructor(relay: Relay, upstream: string, call: NumberedCall) {
    this.#relay = relay
    this.#upstream = upstream
    this.#call = call
    this.key = keyOf(call.index)
  }

  /**
   * Returns the value of an earlier round; `undefined` in the first.
   * @throws ProtocolError -32600 where the earlier round made another call in this place.
   */
  recall(): unknown {
    const entry = entryOf(this.#relay, this.#call.index)
    if (entry === undefined) return undefined
    if (entry.check === this.#check() && entry.upstream === this.#upstream) return entry.value
    throw invalidRequest(
      'A handler made other calls than before it was asked for input: calls must be made in the same order in each round',
    )
  }

  remember(value: unknown): void {
    const entry: Entry = { upstream: this.#upstream, check: this.#check(), value }
    this.#relay.remember(this.key, entry)
  }

  #check(): string {
    return hashText(canonicalJson([this.#call.method, this.#call.params]))
  }
}

/** Returns the name of the replica that an earlier round of the request has made the call to. */
export function earlierUpstream(relay: Relay, index: number): string | undefined {
  return entryOf(relay, index)?.upstream
}

function entryOf(relay: Relay, index: number): Entry | undefined {
  const entry = relay.recall(keyOf(index))
  return isObject(entry) ? (entry as unknown as Entry) : undefined
}

function keyOf(index: number): string {
  return `upstream call ${index}`
}
