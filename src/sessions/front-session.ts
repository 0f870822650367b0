import type { Caller, Follower, RelaySession } from '../components/context.js'
import { missingCapabilities, type Question } from '../components/questions.js'
import { ClientAnswerError, missingClientCapability } from '../errors.js'
import { encodeNotification } from '../protocol/json-rpc.js'
import { isAtLeast } from '../protocol/log-levels.js'
import type { JsonObject, LogLevel } from '../protocol/types.js'
import type { ClientLine } from './client-line.js'

/** How long a client may take to open its stream once it is initialized, in milliseconds. */
const STREAM_TIMEOUT_MS = 1000

/** How long a client may take to send `notifications/initialized`, in milliseconds. */
const INITIALIZED_TIMEOUT_MS = 10_000

/** How much is kept for a client that has no stream yet, in characters. */
const MAX_PENDING_LENGTH = 8 * 1024

/** The session that a `FrontSession` belongs to. */
interface Host {
  readonly id: string
  readonly speaker: { readonly caller: Caller; readonly logLevel: LogLevel | undefined } | undefined
  readonly line: ClientLine | undefined
  readonly isReady: boolean
  readonly isClosed: boolean
  /** Whether the client has a stream for messages outside of requests. */
  readonly isListening: boolean
  /** Sends a message outside of requests. */
  push(text: string): void
}

/** A client's session as connections to upstream servers use it: input requests and notifications outside of calls. */
export class FrontSession implements RelaySession {
  ownLists = 0
  readonly #host: Host
  readonly #followers = new Set<Follower>()
  readonly #waiting = new Set<() => void>()
  #level: LogLevel | undefined
  /** Messages, and the levels of those of the log. */
  #pending: { readonly text: string; readonly level: LogLevel | undefined }[] = []
  #pendingLength = 0

  constructor(host: Host) {
    this.#host = host
  }

  get id(): string {
    return this.#host.id
  }

  get isListening(): boolean {
    return this.#canSend
  }

  /**
   * Sends an input request outside of a call, once the client is initialized and has opened its stream.
   * @throws ProtocolError for a client without the capability; ClientAnswerError where it cannot be asked, or refuses.
   */
  async ask({ method, params, requires, signal }: Question<JsonObject>): Promise<JsonObject> {
    const missing = missingCapabilities(requires, this.#host.speaker?.caller.capabilities ?? {})
    if (missing !== undefined) throw missingClientCapability(missing)
    if (!this.#canSend) await this.opened()
    const { line } = this.#host
    if (line === undefined) throw new ClientAnswerError(`The client cannot be sent ${method}`)
    return line.ask(method, params, signal)
  }

  get level(): LogLevel | undefined {
    return this.#level
  }

  /** The client has set the level of log messages. */
  setLevel(level: LogLevel): void {
    this.#level = level
    this.#pending = this.#pending.filter(
      (message) => message.level === undefined || isAtLeast(message.level, level),
    )
    for (const follower of [...this.#followers]) follower.levelChanged(level)
  }

  tell(message: JsonObject): void {
    if (this.#level === undefined || isAtLeast(message['level'] as LogLevel, this.#level))
      this.#send('notifications/message', message, message['level'] as LogLevel)
  }

  /** Sends a notification, as soon as the client can receive it. Of many before that, the last ones are dropped. */
  notify(method: string, params: JsonObject): void {
    this.#send(method, params)
  }

  #send(method: string, params: JsonObject, level?: LogLevel): void {
    if (this.#host.isClosed) return
    const text = encodeNotification(method, params)
    if (this.#canSend) {
      this.#host.push(text)
      return
    }
    if (this.#pendingLength + text.length > MAX_PENDING_LENGTH) return
    this.#pendingLength += text.length
    this.#pending.push({ text, level })
  }

  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    if (this.#host.isClosed) follower.ended()
    return () => this.#followers.delete(follower)
  }

  /** Passes a notification of the client on to the connections of this session. */
  notified(method: string, params: JsonObject): void {
    for (const follower of [...this.#followers]) follower.notified(method, params)
  }

  ended(): void {
    this.changed()
    this.#pending = []
    for (const follower of [...this.#followers]) follower.ended()
  }

  /** Called when the session is initialized, ends, or gets a stream. */
  changed(): void {
    for (const check of [...this.#waiting]) check()
    if (!this.#canSend) return
    const pending = this.#pending
    this.#pending = []
    this.#pendingLength = 0
    for (const { text } of pending) this.#host.push(text)
  }

  /** Resolves when the client is initialized and has opened its stream, or has taken too long to. */
  opened(): Promise<void> {
    if (this.#canSend) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve()
      }
      let { isReady } = this.#host
      let timer = setTimeout(settle, isReady ? STREAM_TIMEOUT_MS : INITIALIZED_TIMEOUT_MS)
      const check = (): void => {
        if (this.#canSend || this.#host.isClosed) {
          settle()
          return
        }
        if (isReady || !this.#host.isReady) return
        isReady = true
        clearTimeout(timer)
        timer = setTimeout(settle, STREAM_TIMEOUT_MS)
      }
      this.#waiting.add(check)
    })
  }

  get #canSend(): boolean {
    return this.#host.isReady && this.#host.isListening
  }
}
