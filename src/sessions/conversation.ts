import { ErrorCode, invalidParams, invalidRequest, ProtocolError } from '../errors.js'
import { REVISIONS_2025, type ServerIdentity } from '../protocol/era.js'
import { isObject, type JsonRpcRequest } from '../protocol/json-rpc.js'
import { readLogLevel } from '../protocol/log-levels.js'
import type { Implementation, JsonObject, LogLevel } from '../protocol/types.js'
import type { Caller } from '../components/context.js'

/** How many resources one client may subscribe to. */
const MAX_SUBSCRIPTIONS = 1000

/** How long a URI may be that a client subscribes to, and how much it may say of itself, in characters. */
const MAX_URI_LENGTH = 8 * 1024
const MAX_INTRODUCTION = 64 * 1024

/** What is sent before the client asks for a level of its own. */
const DEFAULT_LOG_LEVEL: LogLevel = 'info'

/** What a client of 2024-11-05 to 2025-11-25 has said so far, and the methods that only speak of that. */
export class Conversation {
  /** Who speaks; known from `initialize` on. */
  speaker: { readonly caller: Caller; logLevel: LogLevel } | undefined
  readonly subscriptions = new Set<string>()
  readonly #identity: ServerIdentity

  constructor(identity: ServerIdentity) {
    this.#identity = identity
  }

  /** The result of a request about the conversation itself; for any other, who makes it. */
  readonly understand = ({
    method,
    params = {},
  }: JsonRpcRequest): { readonly result: object } | NonNullable<Conversation['speaker']> => {
    switch (method) {
      case 'initialize':
        return { result: this.#initialize(params) }
      case 'ping':
        return { result: {} }
      default:
        if (this.speaker === undefined) throw invalidRequest(`"initialize" must come before "${method}"`)
        return this.#ofSession(method, params) ?? this.speaker
    }
  }

  #ofSession(method: string, params: JsonObject): { readonly result: object } | undefined {
    switch (method) {
      case 'logging/setLevel':
        return { result: this.#setLevel(params['level']) }
      case 'resources/subscribe':
        return { result: this.#subscribe(params['uri']) }
      case 'resources/unsubscribe':
        return { result: this.#unsubscribe(params['uri']) }
      default:
        return undefined
    }
  }

  #initialize(params: JsonObject): object {
    if (this.speaker !== undefined) throw invalidRequest('This session is initialized already')
    const { protocolVersion: requested, capabilities = {}, clientInfo } = params
    if (typeof requested !== 'string') throw invalidParams('"protocolVersion" must be a string')
    if (!isObject(capabilities)) throw invalidParams('"capabilities" must be an object')
    if (clientInfo !== undefined && !isObject(clientInfo))
      throw invalidParams('"clientInfo" must be an object')
    if (JSON.stringify([capabilities, clientInfo]).length > MAX_INTRODUCTION)
      throw invalidParams(
        `"capabilities" and "clientInfo" must not be longer than ${MAX_INTRODUCTION} characters`,
      )
    const protocolVersion = REVISIONS_2025.find((revision) => revision === requested) ?? REVISIONS_2025[0]
    const info = clientInfo as unknown as Implementation | undefined
    this.speaker = {
      caller: { info, capabilities, protocolVersion, era: '2025-11-25' },
      logLevel: DEFAULT_LOG_LEVEL,
    }
    const { info: serverInfo, capabilities: offered, instructions } = this.#identity
    return { protocolVersion, capabilities: offered, serverInfo, instructions }
  }

  #setLevel(level: unknown): object {
    if (this.speaker !== undefined) this.speaker.logLevel = readLogLevel(level)
    return {}
  }

  #subscribe(uri: unknown): object {
    if (typeof uri !== 'string') throw invalidParams('"uri" must be a string')
    if (uri.length > MAX_URI_LENGTH)
      throw invalidParams(`"uri" must not be longer than ${MAX_URI_LENGTH} characters`)
    if (this.subscriptions.size >= MAX_SUBSCRIPTIONS && !this.subscriptions.has(uri))
      throw new ProtocolError(ErrorCode.InvalidRequest, `No more than ${MAX_SUBSCRIPTIONS} subscriptions`)
    this.subscriptions.add(uri)
    return {}
  }

  #unsubscribe(uri: unknown): object {
    if (typeof uri !== 'string') throw invalidParams('"uri" must be a string')
    this.subscriptions.delete(uri)
    return {}
  }
}
