import { envelopeOf } from '../client/negotiation.js'
import type { ConnectionRequest } from '../client/connection.js'
import type { Context, Progress, Relay } from '../components/context.js'
import type { Question } from '../components/questions.js'
import type { ContentBlock, JsonObject, Meta } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import type { Semaphore } from '../util/semaphore.js'
import type { Principal } from './link.js'

/** What surrounds a request that is made for a client in front. */
export interface Within {
  readonly context: Context
  readonly signal: CancelSignal
  readonly relay: Relay
  /** HTTP headers that are sent on behalf of who makes it. */
  readonly headers: Readonly<Record<string, string>> | undefined
}

/**
 * A request that is made for a client in front, while it holds a slot of the semaphore. The slot is returned when the
 * client is asked for input, so that other calls run while a person answers.
 */
export class OnBehalf implements Principal, ConnectionRequest {
  readonly signal: CancelSignal
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
  /** Sent to a server of this process, which trusts them. */
  readonly credentials: Credentials | undefined
  readonly #within: Within
  readonly #principal: Principal
  readonly #semaphore: Semaphore
  #isOver = false

  constructor(
    within: Within,
    { headers, credentials, timeoutMs }: Pick<OnBehalf, 'headers' | 'credentials' | 'timeoutMs'>,
    semaphore: Semaphore,
    principal: Principal = within.relay,
  ) {
    this.signal = within.signal
    this.headers = headers
    this.credentials = credentials
    this.timeoutMs = timeoutMs
    this.#within = within
    this.#principal = principal
    this.#semaphore = semaphore
  }

  /** Whether its turn is over. */
  get isOver(): boolean {
    return this.#isOver
  }

  get isAway(): boolean {
    return this.#principal.isAway === true
  }

  /** What comes in that belongs to it is for who it is made for. */
  get about(): this {
    return this
  }

  /** What it says of who makes it, where the server wants to be told with each (2026-07-28). */
  get as(): Meta {
    const { caller, logLevel } = this.#within.relay
    const { info, capabilities } = caller
    return envelopeOf({ info, capabilities, logLevel: logLevel && 'debug' })
  }

  /** Progress extends the time-out, whether or not the client asked for it. */
  readonly asksForProgress = true

  get onProgress(): ((progress: JsonObject) => void) | undefined {
    return this.#within.relay.wantsProgress ? this.#progressed : undefined
  }

  ask(question: Question<JsonObject>): Promise<JsonObject> {
    this.end()
    return this.#principal.ask(question)
  }

  tell(message: JsonObject): void {
    this.#principal.tell(message)
  }

  stream(content: readonly ContentBlock[]): void | Promise<void> {
    return this.#principal.stream(content)
  }

  report(progress: Progress): void {
    this.#principal.report(progress)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#semaphore.release()
  }

  readonly #progressed = ({ progress, total, message }: JsonObject): void => {
    this.report({ progress, total, message } as Progress)
  }
}
