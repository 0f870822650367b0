import type { Caller, RelaySession } from '../components/context.js'
import type { InputRequired } from '../components/input-required.js'
import { CancelledError, ErrorCode, InsufficientScopeError, ProtocolError, PutOffError } from '../errors.js'
import type { Era } from '../protocol/era.js'
import {
  encodeError,
  encodeNotification,
  encodeResponse,
  type EncodedResult,
  type JsonRpcRequest,
} from '../protocol/json-rpc.js'
import type { Implementation, LogLevel, ProgressToken } from '../protocol/types.js'
import { Cancellation, type CancelSignal } from '../runtime/cancellation.js'
import type { Logger } from '../runtime/logger.js'
import { NOBODY_TO_ASK, type Asker } from './asker.js'
import type { ClientLine } from './client-line.js'
import type { Services } from './services.js'
import type { RequestFacts, Reply } from './sinks.js'

/** What a request finds in the session it belongs to. */
export interface ExchangeSession {
  readonly id: string
  /** The session as connections to upstream servers use it. */
  readonly front: RelaySession
  readonly line: ClientLine | undefined
  readonly state: Map<string, unknown>
}

/** All that is known of a request when it begins. */
interface ExchangeStart {
  readonly request: JsonRpcRequest
  readonly era: Era
  readonly caller: Caller
  readonly reply: Reply
  /** What it is part of; `undefined` where it stands alone. */
  readonly session: ExchangeSession | undefined
  /** How its era asks the client. */
  readonly asks: (exchange: Exchange, services: Services) => Asker
  readonly facts: RequestFacts | undefined
  /** The least severe level that is sent, as of now; `undefined` sends nothing. */
  readonly logging: { readonly logLevel: LogLevel | undefined }
}

/** The requests whose handlers may ask the client (2026-07-28, basic/patterns/mrtr). */
export const ASKING_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** One request, from when it comes in until it is answered or called off. */
export class Exchange {
  readonly start: ExchangeStart
  readonly progressToken: ProgressToken | undefined
  /** Where it stands among all that run. */
  place = 0
  readonly #services: Services
  readonly #onEnd: (exchange: Exchange) => void
  #controller: AbortController | undefined
  #cancellation: Cancellation | undefined
  #cancelled: Error | undefined
  #isOver = false
  #afterwards: (() => void) | undefined
  #asker: Asker | undefined
  #state: Map<string, unknown> | undefined
  #isOld = false

  /** `onEnd` is called once, when it is over. */
  constructor(start: ExchangeStart, services: Services, onEnd: (exchange: Exchange) => void) {
    this.start = start
    this.#services = services
    this.#onEnd = onEnd
    const token = (start.request.params?.['_meta'] as { progressToken?: unknown } | undefined)?.progressToken
    this.progressToken = typeof token === 'string' || typeof token === 'number' ? token : undefined
    services.running.add(this)
    services.wakeHeartbeat()
  }

  /** How its handler asks the client. */
  get asker(): Asker {
    const { request, asks } = this.start
    return (this.#asker ??= ASKING_METHODS.has(request.method) ? asks(this, this.#services) : NOBODY_TO_ASK)
  }

  /** What an earlier round of it remembered under a key: nothing where none has been. */
  recall(key: string): unknown {
    return this.#asker?.memory.get(key)
  }

  /** What is remembered from call to call, or while this one lasts. */
  get state(): Map<string, unknown> {
    return this.start.session?.state ?? (this.#state ??= new Map())
  }

  /** The information of the server behind a proxy; `undefined`: this one. */
  get serverInfo(): Implementation | undefined {
    return this.#services.introducer.infoFor(this.start.caller)
  }

  /** Whether it was answered with questions, so that what still comes of this run is no answer. */
  get isPutOff(): boolean {
    return this.#asker?.isPutOff ?? false
  }

  /** Whether it was answered or called off. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Ask in a way that already knows something. */
  askBy(asker: Asker): void {
    this.#asker = asker
  }

  /** Have the client asked for what a handler wants to know before it runs again. */
  require(required: InputRequired): Promise<void> {
    return this.asker.require(required)
  }

  /** Once it has been running for a while, show that it still does. */
  keepAlive(): void {
    if (this.#isOld) this.start.reply.keepAlive?.()
    this.#isOld = true
  }

  /** Made only when a handler asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled)
    }
    return this.#controller.signal
  }

  /** The same for what is run elsewhere on its behalf. */
  get cancellation(): CancelSignal {
    if (this.#cancellation === undefined) {
      this.#cancellation = new Cancellation()
      if (this.#cancelled !== undefined) this.#cancellation.cancel(this.#cancelled)
    }
    return this.#cancellation
  }

  /** Do something once it is over, however it ends. */
  whenOver(afterwards: () => void): void {
    if (this.#isOver) {
      afterwards()
      return
    }
    const before = this.#afterwards
    this.#afterwards =
      before === undefined
        ? afterwards
        : () => {
            before()
            afterwards()
          }
  }

  /** Send a notification that belongs to this request; dropped once it is answered. */
  notify(method: string, params: object): void | Promise<void> {
    if (!this.#isOver) return this.start.reply.send(encodeNotification(method, params))
  }

  /** Answer with a result. */
  answer(result: object | EncodedResult): void {
    if (this.#isOver) return
    const { request, era } = this.start
    let text: string
    try {
      text = encodeResponse(request.id, era.encodeResult(request.method, result, this))
    } catch (error) {
      this.fail(error)
      return
    }
    this.#end()
    this.start.reply.end(text)
  }

  /** Answer with an error. What is no `ProtocolError` is told to the logger, not to the client. */
  fail(error: unknown): void {
    if (this.#isOver) return
    const { request, era, reply } = this.start
    const shown = era.error(
      error instanceof ProtocolError ? error : internalError(request.method, error, this.#services.logger),
    )
    this.#end()
    const text = encodeError(request.id, shown)
    if (shown instanceof InsufficientScopeError) reply.end(text, 403, this.#challenge(shown))
    else reply.end(text, era.httpStatus(shown))
  }

  /** What a client has to come back with. */
  #challenge({ scopes }: InsufficientScopeError): Record<string, string> {
    const { caller, facts } = this.start
    const { scheme } = facts?.credentials ?? {}
    const challenge =
      scheme?.scopeChallenge(caller.auth, scopes) ??
      `Bearer error="insufficient_scope", scope="${scopes.join(' ')}"`
    return { 'www-authenticate': challenge }
  }

  /** Answer with questions, and leave the run that asked (2026-07-28). */
  putOff(asked: { inputRequests?: object; requestState: string }): void {
    if (this.#isOver) return
    const text = encodeResponse(
      this.start.request.id,
      this.#services.eras['2026-07-28'].encodeInputRequired(asked, this.serverInfo),
    )
    this.#stop(new PutOffError())
    this.start.reply.end(text)
  }

  /** Stop, and answer nothing: the client called the request off or went away. */
  cancel(reason?: string): void {
    if (this.#isOver) return
    this.#stop(new CancelledError(reason))
    this.start.reply.end()
  }

  #stop(reason: Error): void {
    this.#cancelled = reason
    this.#end()
    this.#controller?.abort(reason)
    this.#cancellation?.cancel(reason)
  }

  #end(): void {
    this.#isOver = true
    this.#services.running.delete(this)
    this.#onEnd(this)
    this.#afterwards?.()
  }
}

/** What a client is told of an error that nobody foresaw; the rest goes to the logger. */
export function internalError(method: string, error: unknown, logger: Logger): ProtocolError {
  logger.error(`Error answering ${method}`, error)
  return new ProtocolError(ErrorCode.InternalError, 'Internal error')
}
