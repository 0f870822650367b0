import { ErrorCode, invalidParams, invalidRequest, methodNotFound, ProtocolError } from '../errors.js'
import { REVISIONS_2025 } from '../protocol/era.js'
import { isObject, type JsonRpcRequest } from '../protocol/json-rpc.js'
import { readLogLevel } from '../protocol/log-levels.js'
import type { Implementation, JsonObject, LogLevel } from '../protocol/types.js'
import type { Caller, RelaySession } from '../components/context.js'
import { andThen, type Eventually } from '../providers/provider.js'
import type { ServerIntroducer } from './server-introducer.js'
import type { Services } from './services.js'
import type { Listener, Watches } from './watches.js'

/** How many resources one client may subscribe to. */
const MAX_SUBSCRIPTIONS = 1000

/** How long a URI may be that a client subscribes to, and how much it may say of itself, in characters. */
const MAX_URI_LENGTH = 8 * 1024
const MAX_INTRODUCTION = 64 * 1024

/** Of how many values that may consist, which take far more memory than their characters. */
const MAX_INTRODUCTION_VALUES = 500

/** How long all the URIs may be together that one client subscribes to, in characters. */
const MAX_SUBSCRIPTIONS_LENGTH = 128 * 1024

/** What is sent before the client asks for a level of its own. */
const DEFAULT_LOG_LEVEL: LogLevel = 'info'

/** Who speaks, and from what level on it wants to hear of the log. */
interface Speaker {
  readonly caller: Caller
  logLevel: LogLevel
}

/** The result of a request about the conversation itself. */
export interface Understood {
  readonly result: Eventually<object>
}

/** What a conversation takes place in. */
interface ConversationSession {
  /** The session as connections to upstream servers use it. */
  readonly front: RelaySession & { setLevel(level: LogLevel): void }
  /** Who speaks, as of the last message. */
  readonly caller: Caller | undefined
}

/** What a client of 2024-11-05 to 2025-11-25 has said so far, and the methods that only speak of that. */
export class Conversation {
  /** Who speaks; known from `initialize` on. */
  speaker: Speaker | undefined
  readonly #introducer: ServerIntroducer
  readonly #watches: Watches
  readonly #session: ConversationSession
  /** Who wants to hear of what is subscribed to. */
  readonly #listener: Listener
  #subscriptions: Set<string> | undefined
  #subscriptionsLength = 0
  #isAssumed = false

  /** `session` is what it takes place in. */
  constructor(
    { introducer, watches }: Pick<Services, 'introducer' | 'watches'>,
    session: ConversationSession,
  ) {
    this.#listener = () => session.caller
    this.#session = session
    this.#introducer = introducer
    this.#watches = watches
  }

  /** Take for granted what `initialize` would have said. */
  assume(caller: Caller): void {
    this.speaker = { caller, logLevel: DEFAULT_LOG_LEVEL }
    this.#isAssumed = true
  }

  isSubscribed(uri: string): boolean {
    return this.#subscriptions?.has(uri) ?? false
  }

  /** Nothing more is to be heard of. */
  end(): void {
    for (const uri of this.#subscriptions ?? []) this.#watches.delete(uri, this.#listener)
    this.#subscriptions = undefined
  }

  /** The result of a request about the conversation itself; for any other, who makes it. */
  readonly understand = ({ method, params = {} }: JsonRpcRequest): Understood | Speaker => {
    switch (method) {
      case 'initialize':
        return { result: this.#initialize(params) }
      case 'ping':
        return { result: {} }
      default:
        if (this.speaker === undefined) throw invalidRequest(`"initialize" must come before "${method}"`)
        return this.#ofSession(method, params, this.speaker) ?? this.speaker
    }
  }

  #ofSession(method: string, params: JsonObject, speaker: Speaker): Understood | undefined {
    switch (method) {
      case 'logging/setLevel':
        return { result: this.#setLevel(params['level'], speaker) }
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        // Who comes for one request only cannot be told of what happens later.
        if (this.#isAssumed) throw methodNotFound(method)
        return this.#changeSubscription(method, params['uri'])
      default:
        return undefined
    }
  }

  #changeSubscription(method: string, uri: unknown): Understood {
    return method === 'resources/subscribe' ? this.#subscribe(uri) : { result: this.#unsubscribe(uri) }
  }

  #initialize(params: JsonObject): Eventually<object> {
    if (this.speaker !== undefined && !this.#isAssumed)
      throw invalidRequest('This session is initialized already')
    const { protocolVersion: requested, capabilities = {}, clientInfo } = params
    if (typeof requested !== 'string') throw invalidParams('"protocolVersion" must be a string')
    if (!isObject(capabilities)) throw invalidParams('"capabilities" must be an object')
    if (clientInfo !== undefined && !isObject(clientInfo))
      throw invalidParams('"clientInfo" must be an object')
    if (sizeOf([capabilities, clientInfo]) > MAX_INTRODUCTION_VALUES)
      throw invalidParams(
        `"capabilities" and "clientInfo" must not hold more than ${MAX_INTRODUCTION_VALUES} values`,
      )
    if (JSON.stringify([capabilities, clientInfo]).length > MAX_INTRODUCTION)
      throw invalidParams(
        `"capabilities" and "clientInfo" must not be longer than ${MAX_INTRODUCTION} characters`,
      )
    const protocolVersion = REVISIONS_2025.find((revision) => revision === requested) ?? REVISIONS_2025[0]
    const info = clientInfo as unknown as Implementation | undefined
    // What stands alone is no conversation that anything could last as long as.
    const conversation = this.#isAssumed ? undefined : this.#session.front
    this.speaker = {
      caller: { info, capabilities, protocolVersion, era: '2025-11-25', conversation },
      logLevel: DEFAULT_LOG_LEVEL,
    }
    const { caller = this.speaker.caller } = this.#session
    return andThen(
      this.#introducer.introduce(caller),
      ({ info: serverInfo, capabilities: offered, instructions: text }) => ({
        protocolVersion,
        capabilities: offered,
        serverInfo,
        instructions: text,
      }),
    )
  }

  #setLevel(level: unknown, speaker: Speaker): object {
    speaker.logLevel = readLogLevel(level)
    this.#session.front.setLevel(speaker.logLevel)
    return {}
  }

  #subscribe(uri: unknown): Understood {
    if (typeof uri !== 'string') throw invalidParams('"uri" must be a string')
    if (uri.length > MAX_URI_LENGTH)
      throw invalidParams(`"uri" must not be longer than ${MAX_URI_LENGTH} characters`)
    this.#subscriptions ??= new Set()
    if (this.#subscriptions.has(uri)) return { result: {} }
    this.#subscriptionsLength += uri.length
    if (this.#subscriptionsLength > MAX_SUBSCRIPTIONS_LENGTH) {
      this.#subscriptionsLength -= uri.length
      throw invalidRequest(`No more than ${MAX_SUBSCRIPTIONS_LENGTH} characters of subscriptions`)
    }
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw new ProtocolError(ErrorCode.InvalidRequest, `No more than ${MAX_SUBSCRIPTIONS} subscriptions`)
    this.#subscriptions.add(uri)
    // What changes after the answer is heard of.
    return { result: this.#watches.add(uri, this.#listener).then(() => ({})) }
  }

  #unsubscribe(uri: unknown): object {
    if (typeof uri !== 'string') throw invalidParams('"uri" must be a string')
    if (this.#subscriptions?.delete(uri) !== true) return {}
    this.#subscriptionsLength -= uri.length
    this.#watches.delete(uri, this.#listener)
    return {}
  }
}

/** How many values there are within a JSON value, itself included. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((size, member) => size + sizeOf(member), 1)
}
