import type { Caller } from '../components/context.js'
import { CancelledError, ErrorCode, ProtocolError } from '../errors.js'
import type { Era } from '../protocol/era.js'
import {
  encodeError,
  encodeNotification,
  encodeResponse,
  type EncodedResult,
  type JsonRpcRequest,
} from '../protocol/json-rpc.js'
import type { LogLevel, ProgressToken } from '../protocol/types.js'
import type { Logger } from '../runtime/logger.js'
import type { Services } from './services.js'
import type { HttpFacts, Reply } from './sinks.js'

/** All that is known of a request when it begins. */
interface ExchangeStart {
  readonly request: JsonRpcRequest
  readonly era: Era
  readonly caller: Caller
  readonly reply: Reply
  readonly sessionId: string | undefined
  readonly http: HttpFacts | undefined
  /** The least severe level that is sent, as of now; `undefined` sends nothing. */
  readonly logging: { readonly logLevel: LogLevel | undefined }
}

/** One request, from when it comes in until it is answered or called off. */
export class Exchange {
  readonly start: ExchangeStart
  readonly progressToken: ProgressToken | undefined
  readonly #services: Services
  readonly #onEnd: (exchange: Exchange) => void
  #controller: AbortController | undefined
  #cancelled: CancelledError | undefined
  #isOver = false
  #afterwards: (() => void) | undefined

  /** `onEnd` is called once, when it is over. */
  constructor(start: ExchangeStart, services: Services, onEnd: (exchange: Exchange) => void) {
    this.start = start
    this.#services = services
    this.#onEnd = onEnd
    const token = (start.request.params?.['_meta'] as { progressToken?: unknown } | undefined)?.progressToken
    this.progressToken = typeof token === 'string' || typeof token === 'number' ? token : undefined
    services.running.add(this)
  }

  /** Made only when a handler asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled)
    }
    return this.#controller.signal
  }

  /** Do something once it is over, however it ends. */
  whenOver(afterwards: () => void): void {
    this.#afterwards = afterwards
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
      text = encodeResponse(request.id, era.encodeResult(request.method, result))
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
    reply.end(encodeError(request.id, shown), era.httpStatus(shown))
  }

  /** Stop, and answer nothing: the client called the request off or went away. */
  cancel(reason?: string): void {
    if (this.#isOver) return
    this.#cancelled = new CancelledError(reason)
    this.#end()
    this.#controller?.abort(this.#cancelled)
    this.start.reply.end()
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
