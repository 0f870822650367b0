import { Connection, type ConnectionOptions, type Opened } from '../client/connection.js'
import type { RelaySession } from '../components/context.js'
import { rawQuestion } from '../components/questions.js'
import { ErrorCode, methodNotFound, ProtocolError, SessionForgottenError } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { ContentBlock, JsonObject } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'
import { attribute, type Ownership, type Recipient } from './attribution.js'
import type { ClientPeer, ProxiedRequest } from './proxied-request.js'

/** How long a server may take to set its log level, in milliseconds. */
const LOG_TIMEOUT_MS = 5000

/** How many URL elicitations a connection remembers until the server says that they are complete. */
const MAX_ELICITATIONS = 1000

const ELICITATION_COMPLETE = 'notifications/elicitation/complete'

/** Answers input requests in place of the clients in front, as far as it has a handler for them. */
export interface OwnHandlers {
  /** Returns `undefined` for a request without a handler. */
  readonly answer: (method: string, params: JsonObject, signal: AbortSignal) => Promise<object> | undefined
  readonly log: (message: JsonObject) => void
}

export type UpstreamConnectionOptions = Omit<ConnectionOptions, 'handlers' | 'headers' | 'credentials'> & {
  readonly ownership: Ownership
  readonly headers: Readonly<Record<string, string>>
  /** Sent with messages that belong to no call, to a server of this process. */
  readonly credentials: Credentials | undefined
  /** Whether the server is asked for all of its log. */
  readonly wantsLogs: boolean
  readonly ownHandlers?: OwnHandlers | undefined
  /** Takes a notification that is not for a caller. Returns whether it was one. */
  readonly onNotification?: ((method: string, params: JsonObject, about: unknown) => boolean) | undefined
  readonly onStray: (problem: string) => void
  readonly onResumed?: (() => void) | undefined
}

/** A connection to an upstream server, and the calls that run over it. */
export class UpstreamConnection {
  readonly connection: Connection
  ownership: Ownership
  /** Sent with messages that belong to no call. Calls have headers of their own. */
  readonly headers: Readonly<Record<string, string>>
  /** Until when it is kept for a later round of a call, by the clock of `Date.now()`. */
  resumableUntil = 0
  /** How many calls ended without a response, and may still be running on the server. */
  unansweredCalls = 0
  readonly #options: UpstreamConnectionOptions
  /** The calls that are under way, the latest last. */
  readonly #calls: ProxiedRequest[] = []
  /** The sessions that were asked to open a URL, by the id of the elicitation. */
  #elicitations: Map<string, RelaySession> | undefined
  #isReserved = false
  /** Requests that are about to be sent, and those that are no calls. */
  #holds = 0
  #isRetired = false
  /** Called when it is closed. */
  onClose: () => void = () => undefined
  #unfollow: (() => void) | undefined

  constructor(options: UpstreamConnectionOptions) {
    this.ownership = options.ownership
    this.#options = options
    const { headers, credentials } = options
    this.headers = headers
    this.connection = new Connection({
      ...options,
      headers: () => headers,
      credentials: () => credentials,
      onOpen: (opened) => this.#opened(opened),
      handlers: {
        onRequest: (...request) => this.#ask(...request),
        onNotification: (...notification) => {
          this.#notified(...notification)
        },
        onStray: options.onStray,
        onResumed: options.onResumed,
      },
    })
  }

  /** Whether it belongs to a session. */
  get isSessions(): boolean {
    return typeof this.ownership === 'object'
  }

  /** Whether no call runs over it, or is about to. */
  get isIdle(): boolean {
    return this.#calls.length === 0 && !this.#isReserved
  }

  /** Reserves it for one call. */
  reserve(): void {
    this.#isReserved = true
  }

  unreserve(): void {
    this.#isReserved = false
    this.#closeIfRetired()
  }

  /** Keeps it open while it is retired, until the same number of calls of `letGo`. */
  hold(): void {
    this.#holds += 1
  }

  letGo(): void {
    this.#holds -= 1
    this.#closeIfRetired()
  }

  /** A call begins to run over it. */
  track(call: ProxiedRequest): void {
    this.#calls.push(call)
  }

  /** A call has ended; `isAnswered`: with a response of the server. */
  untrack(call: ProxiedRequest, isAnswered: boolean): void {
    this.#calls.splice(this.#calls.indexOf(call), 1)
    if (!isAnswered) this.unansweredCalls += 1
    this.#closeIfRetired()
  }

  /** Follows the session that it belongs to: `onEnd` is called when the session ends. */
  followSession(session: RelaySession, onEnd: () => void): void {
    this.#unfollow = session.follow({
      ended: () => {
        this.#unfollow?.()
        onEnd()
      },
      levelChanged: (level) => {
        const { agreement } = this.connection
        const setLevel = agreement?.capabilities.logging && agreement.dialect.setLevel(level)
        if (setLevel !== undefined)
          this.connection
            .request(setLevel.method, setLevel.params, { timeoutMs: LOG_TIMEOUT_MS })
            .catch(() => undefined)
      },
      notified: (method, params) => {
        if (method === 'notifications/roots/list_changed') this.connection.rootsChanged()
        else this.connection.notify(method, params)
      },
    })
  }

  /** Remembers the sessions whose clients are asked to open URLs (client/elicitation, Completion Notifications). */
  expectElicitation(elicitationId: unknown, session: RelaySession | undefined): void {
    if (session === undefined || typeof elicitationId !== 'string') return
    const elicitations = (this.#elicitations ??= new Map<string, RelaySession>())
    if (elicitations.size >= MAX_ELICITATIONS) elicitations.delete(elicitations.keys().next().value as string)
    elicitations.set(elicitationId, session)
  }

  /** Closes as soon as no call runs over it any more. */
  retire(): void {
    this.#isRetired = true
    this.#closeIfRetired()
  }

  #closeIfRetired(): void {
    if (this.#isRetired && this.isIdle && this.#holds === 0) this.close().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#unfollow?.()
    this.onClose()
    await this.connection.close()
  }

  /** Of several callers each wants its own part of the log, so that the server is asked for all of it. */
  async #opened(opened: Opened): Promise<void> {
    const { agreement, request } = opened
    const { wantsLogs, onOpen } = this.#options
    const level = typeof this.ownership === 'object' ? this.ownership.session.level : wantsLogs && 'debug'
    const setLevel = level ? agreement.dialect.setLevel(level) : undefined
    if (setLevel !== undefined && agreement.capabilities.logging !== undefined)
      await request(setLevel.method, setLevel.params, { timeoutMs: LOG_TIMEOUT_MS }).catch(
        (error: unknown) => {
          // A server that refuses the level logs at its own.
          if (error instanceof SessionForgottenError) throw error
        },
      )
    await onOpen?.(opened)
  }

  async #ask(method: string, params: JsonObject, about: unknown, signal: AbortSignal): Promise<object> {
    if (method === 'ping') return {}
    const own = this.#options.ownHandlers?.answer(method, params, signal)
    if (own !== undefined) return own
    const question = rawQuestion(method, params, { signal })
    if (question === undefined) throw methodNotFound(method)
    const recipient = attribute(about, this.ownership, this.#calls)
    if (recipient === undefined)
      throw new ProtocolError(ErrorCode.InvalidRequest, 'It is not known which client is to be asked')
    this.expectElicitation(params['elicitationId'], sessionOf(recipient))
    return 'call' in recipient ? recipient.call.ask(question) : recipient.session.ask(question)
  }

  #notified(method: string, params: JsonObject, about: unknown): void {
    if (this.#options.onNotification?.(method, params, about) === true) return
    if (method === ELICITATION_COMPLETE) {
      this.#completed(params)
      return
    }
    if (method === 'notifications/message') this.#options.ownHandlers?.log(params)
    const recipient = attribute(about, this.ownership, this.#calls)
    if (recipient === undefined) return
    const { content } = params
    if (method === 'notifications/message') this.#receiver(recipient).tell(params, this.isSessions)
    else if (method === 'notifications/tool/streamContent' && Array.isArray(content)) {
      const call = 'call' in recipient ? recipient.call : this.#calls.at(-1)
      const blocks = content.filter((block) => isObject(block)) as unknown as ContentBlock[]
      Promise.resolve(call?.stream(blocks)).catch(() => undefined)
    } else sessionOf(recipient)?.notify(method, params)
  }

  /** A session whose client has no stream of its own gets messages on the stream of one of its calls. */
  #receiver(recipient: NonNullable<Recipient<ProxiedRequest>>): Pick<ClientPeer, 'tell'> {
    if ('call' in recipient) return recipient.call
    return recipient.session.isListening ? recipient.session : (this.#calls.at(-1) ?? recipient.session)
  }

  #completed(params: JsonObject): void {
    const { elicitationId } = params
    if (typeof elicitationId !== 'string') return
    const session = this.#elicitations?.get(elicitationId)
    this.#elicitations?.delete(elicitationId)
    const { ownership } = this
    const owner = typeof ownership === 'object' ? ownership.session : undefined
    ;(session ?? owner)?.notify(ELICITATION_COMPLETE, params)
  }
}

function sessionOf(recipient: NonNullable<Recipient<ProxiedRequest>>): RelaySession | undefined {
  return 'call' in recipient ? recipient.call.session : recipient.session
}
