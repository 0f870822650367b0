import type { ConnectionRequest } from '../client/connection.js'
import type { Progress, Relay, RelaySession } from '../components/context.js'
import type { Question } from '../components/questions.js'
import { envelopeOf } from '../protocol/client-dialects.js'
import type { ClientCapabilities, ContentBlock, JsonObject, Meta } from '../protocol/types.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import type { Credentials } from '../sessions/sinks.js'
import type { Semaphore } from '../util/semaphore.js'
import { forwardedCapabilities } from './forwarded-capabilities.js'

/** The client that a request is made for, as messages of the upstream server reach it. */
export interface ClientPeer {
  ask(question: Question<JsonObject>): Promise<JsonObject>
  tell(message: JsonObject, knowsLevel?: boolean): void
  stream(content: readonly ContentBlock[]): void | Promise<void>
  report(progress: Progress): void
}

/** The data of a request that is made for a caller. */
export interface RequestScope {
  readonly relay: Relay
  readonly signal: CancelSignal
  readonly headers: Readonly<Record<string, string>>
  /** Sent to a server of this process, which trusts them. */
  readonly credentials: Credentials | undefined
  readonly timeoutMs: number
  /** Capabilities that the proxy has of its own. */
  readonly ownCapabilities: ClientCapabilities | undefined
}

/**
 * A request to an upstream server for a caller. It holds a slot of the semaphore while it runs: it returns the slot when
 * it asks its client for input, so that other calls run while a person answers, and takes one again when it goes on.
 */
export class ProxiedRequest implements ClientPeer, ConnectionRequest {
  readonly signal: CancelSignal
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly credentials: Credentials | undefined
  /** Progress extends the time-out, whether or not the client asked for it. */
  readonly asksForProgress = true
  readonly #relay: Relay
  readonly #ownCapabilities: ClientCapabilities | undefined
  readonly #peer: ClientPeer
  readonly #semaphore: Semaphore
  #hasSlot = true
  #isOver = false

  constructor(scope: RequestScope, semaphore: Semaphore, peer: ClientPeer = scope.relay) {
    this.signal = scope.signal
    this.headers = scope.headers
    this.credentials = scope.credentials
    this.timeoutMs = scope.timeoutMs
    this.#relay = scope.relay
    this.#ownCapabilities = scope.ownCapabilities
    this.#peer = peer
    this.#semaphore = semaphore
  }

  /** Whether it has asked its client for input, so that its duration says nothing about the server. */
  hasAsked = false

  /** Messages of the server that name the request are attributed to it. */
  get about(): this {
    return this
  }

  get session(): RelaySession | undefined {
    return this.#relay.session
  }

  /** The client information that the request carries (2026-07-28). */
  get as(): Meta {
    const { caller, logLevel } = this.#relay
    const { info, capabilities } = caller
    const forwarded = forwardedCapabilities(capabilities)
    return envelopeOf({
      info,
      capabilities:
        this.#ownCapabilities === undefined ? forwarded : { ...forwarded, ...this.#ownCapabilities },
      logLevel,
    })
  }

  get onProgress(): ((progress: JsonObject) => void) | undefined {
    return this.#relay.wantsProgress ? this.#progressed : undefined
  }

  async ask(question: Question<JsonObject>): Promise<JsonObject> {
    this.hasAsked = true
    this.#releaseSlot()
    try {
      return await this.#peer.ask(question)
    } finally {
      await this.#resume()
    }
  }

  tell(message: JsonObject, knowsLevel?: boolean): void {
    this.#peer.tell(message, knowsLevel)
  }

  stream(content: readonly ContentBlock[]): void | Promise<void> {
    return this.#peer.stream(content)
  }

  report(progress: Progress): void {
    this.#peer.report(progress)
  }

  /** Returns everything that the request holds. */
  end(): void {
    this.#isOver = true
    this.#releaseSlot()
    this.#semaphore.releaseSocket()
  }

  /** Takes a slot before the server gets its answer. Of several answers at once, one slot serves all. */
  async #resume(): Promise<void> {
    if (this.#hasSlot || this.#isOver) return
    await this.#semaphore.resume()
    if (this.#hasSlot || this.#isOver) this.#semaphore.release()
    else this.#hasSlot = true
  }

  #releaseSlot(): void {
    if (!this.#hasSlot) return
    this.#hasSlot = false
    this.#semaphore.release()
  }

  readonly #progressed = ({ progress, total, message }: JsonObject): void => {
    this.report({ progress, total, message } as Progress)
  }
}
