import { Connection, type ConnectionOptions } from '../client/connection.js'
import { REQUEST_IS_OVER } from '../client/peer.js'
import type { Progress, RelaySession } from '../components/context.js'
import { rawQuestion, type Question } from '../components/questions.js'
import { ErrorCode, methodNotFound, ProtocolError } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { ContentBlock, JsonObject } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'

/** On whose behalf something runs on the other side: who is asked and told. */
export interface Principal {
  ask(question: Question<JsonObject>): Promise<JsonObject>
  tell(message: JsonObject): void
  stream(content: readonly ContentBlock[]): void | Promise<void>
  report(progress: Progress): void
  /** Whether nobody is there to be asked and told now. */
  readonly isAway?: boolean
}

/** Whose connection it is, which decides who hears of what belongs to no call. */
export type LinkFor =
  /** A session in front: all that comes is for its client. */
  | { readonly session: RelaySession }
  /** One call after the other. */
  | 'one at a time'
  /** Anybody, any number at once. */
  | 'many'

type LinkOptions = Omit<ConnectionOptions, 'handlers' | 'headers' | 'credentials'> & {
  readonly headers: Readonly<Record<string, string>>
  /** On whose behalf messages are sent that belong to no call, where the server trusts that. */
  readonly credentials: Credentials | undefined
  readonly onNotification?: ((method: string, params: JsonObject, about: unknown) => boolean) | undefined
  readonly onStray: (problem: string) => void
  readonly onResumed?: (() => void) | undefined
}

/** A connection to a server behind a proxy, and the calls that run over it on behalf of clients in front. */
export class Link {
  readonly connection: Connection
  /** Sent with messages that belong to no call. Calls have headers of their own. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether a call that still waits has it for itself. */
  isReserved = false
  /** How many calls have begun to run over it. */
  begun = 0
  readonly #linkFor: LinkFor
  readonly #options: LinkOptions
  /** The calls that are under way, the latest last. */
  readonly #calls: Principal[] = []

  constructor(linkFor: LinkFor, options: LinkOptions) {
    this.#linkFor = linkFor
    this.#options = options
    const { headers, credentials } = options
    this.headers = headers
    this.connection = new Connection({
      ...options,
      headers: () => headers,
      credentials: () => credentials,
      handlers: {
        onRequest: (...asked) => this.#ask(...asked),
        onNotification: (method, params, about) => {
          this.#told(method, params, about)
        },
        onStray: options.onStray,
        onResumed: options.onResumed,
      },
    })
  }

  /** Whether nothing runs over it, or is about to. */
  get isIdle(): boolean {
    return this.#calls.length === 0 && !this.isReserved
  }

  /** A call begins to run over it. */
  enter(call: Principal): void {
    this.begun += 1
    this.#calls.push(call)
  }

  leave(call: Principal): void {
    this.#calls.splice(this.#calls.indexOf(call), 1)
  }

  async close(): Promise<void> {
    await this.connection.close()
  }

  async #ask(method: string, params: JsonObject, about: unknown, signal: AbortSignal): Promise<object> {
    if (method === 'ping') return {}
    const question = rawQuestion(method, params, { signal })
    if (question === undefined) throw methodNotFound(method)
    if (about === REQUEST_IS_OVER)
      throw new ProtocolError(ErrorCode.InvalidRequest, 'The request that this belongs to is over')
    const named = this.#callNamed(about)
    if (named !== undefined) return named.ask(question)
    // Of several calls of one session the question may belong to any, so that the end of none of them ends it.
    if (isSessions(this.#linkFor) && this.#calls.length !== 1) return this.#linkFor.session.ask(question)
    const only = this.#callMeant()
    if (only !== undefined) return only.ask(question)
    throw new ProtocolError(ErrorCode.InvalidRequest, 'It is not known which client is to be asked')
  }

  #told(method: string, params: JsonObject, about: unknown): void {
    if (this.#options.onNotification?.(method, params, about) === true) return
    const principal = this.#principalOf(about)
    if (method === 'notifications/message') principal?.tell(params)
    const { content } = params
    if (method === 'notifications/tool/streamContent' && Array.isArray(content))
      Promise.resolve(
        principal?.stream(content.filter((block) => isObject(block)) as unknown as ContentBlock[]),
      ).catch(() => undefined)
  }

  #principalOf(about: unknown): Principal | undefined {
    return about === REQUEST_IS_OVER ? undefined : (this.#callNamed(about) ?? this.#callMeant())
  }

  /** The call that a message names, if it is running. */
  #callNamed(about: unknown): Principal | undefined {
    return this.#calls.includes(about as Principal) ? (about as Principal) : undefined
  }

  /**
   * The call that a message without a name may belong to: where all calls are of one caller, the latest; on a connection
   * of several callers the only one, unless it is suspended.
   */
  #callMeant(): Principal | undefined {
    const latest = this.#calls.at(-1)
    if (this.#linkFor !== 'many') return latest
    const isOnly = this.#calls.length === 1 && latest?.isAway !== true
    return isOnly ? latest : undefined
  }
}

function isSessions(linkFor: LinkFor): linkFor is { readonly session: RelaySession } {
  return typeof linkFor === 'object'
}
