import { ConnectionError, HttpStatusError, SessionForgottenError } from '../../errors.js'
import type { JsonRpcNotification, JsonRpcRequest } from '../../protocol/json-rpc.js'
import type { SendOptions } from '../../transports/transport.js'
import { backOffMs } from '../../util/back-off.js'
import { statusError, type EndpointClient } from '../http/endpoint-client.js'
import type { HttpExchange, HttpRequestInit, ResponseHandler, ResponseHead } from '../http/http-client.js'
import { mediaType } from '../http/media-type.js'
import {
  answers,
  ErrorBody,
  errorResponse,
  EventsBody,
  foreignResponse,
  JsonBody,
  readJson,
} from './response-body.js'

/** How many times in a row a stream that breaks is resumed. */
const MAX_RESUMPTIONS = 10

/** The longest that a server may ask a client to wait before it reconnects, in milliseconds. */
export const MAX_RETRY_MS = 30_000

/** How long a server that has shown no sign of a cancelled request may take to end it, before it is told again, in milliseconds. */
const CANCELLED_AGAIN_MS = 250

/** The transport that a request belongs to. */
export interface RequestTransport {
  readonly endpoint: EndpointClient
  readonly hasSession: boolean
  deliver(message: unknown, requestId: unknown): void
  /** Sends a notification. @throws ConnectionError where the server does not accept it. */
  notify(notification: JsonRpcNotification, headers: SendOptions['headers']): Promise<void>
  /** The request that resumes a stream. */
  resumption(lastEventId: string, headers: SendOptions['headers']): HttpRequestInit
  /** Takes the head of a successful response. */
  succeeded(request: JsonRpcRequest, head: ResponseHead): void
  /** Called with a request that waits for its cancellation to be accepted, and again when it no longer does. */
  cancelling(request: StreamableHttpRequest, isPending: boolean): void
}

/**
 * One request over streamable HTTP: its POST, and the GETs that resume the stream of its response where it breaks
 * (2025-11-25, basic/transports, Resumability). A response with the id of another request destroys the connection.
 */
export class StreamableHttpRequest implements ResponseHandler {
  /** Resolves when the response has begun. @throws ConnectionError where there is none. */
  readonly taken: Promise<void>
  readonly #transport: RequestTransport
  readonly #message: JsonRpcRequest
  readonly #onEnd: SendOptions['onRequestStreamEnd']
  readonly #headers: SendOptions['headers']
  #exchange: HttpExchange | undefined
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  /** Reads the body of the current response. */
  #body: JsonBody | EventsBody | ErrorBody | undefined
  #resuming: ReturnType<typeof setTimeout> | undefined
  #lastEventId: string | undefined
  #resumedFrom: string | undefined
  #resumptions = 0
  #retryMs: number | undefined
  /** Whether there is a response, or will be none: nothing is delivered any more. */
  #isOver = false
  #isExchangeOver = false
  /** Called when the response begins, or the exchange is over, after the request was cancelled. */
  #whenAnswering: (isOver: boolean) => void = () => undefined

  constructor(transport: RequestTransport, message: JsonRpcRequest, options: SendOptions) {
    this.#transport = transport
    this.#message = message
    this.#onEnd = options.onRequestStreamEnd
    this.#headers = options.headers
    this.taken = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (options.onAbort !== undefined) options.onAbort(this.abort)
    else
      options.requestSignal?.addEventListener('abort', () => {
        this.abort(options.requestSignal?.reason)
      })
  }

  send(init: HttpRequestInit): void {
    this.#exchange = this.#transport.endpoint.send(init, this)
  }

  /** Ends the request, and tells the server with `notification`, if given, unless the request was not sent. */
  readonly abort = (reason: unknown, notification?: JsonRpcNotification): void => {
    if (this.#isOver) return
    const isTold = notification !== undefined && (this.#exchange?.isSent === true || this.#resumptions > 0)
    this.#finish(reason)
    clearTimeout(this.#resuming)
    if (isTold) void this.#cancel(reason, notification)
    else this.#exchange?.abort(reason)
  }

  /** Destroys the connection at once. */
  disconnect(reason: unknown): void {
    this.#exchange?.abort(reason)
  }

  onHead(head: ResponseHead): void {
    const { status } = head
    const type = mediaType(head)
    if (this.#isOver) {
      this.#whenAnswering(false)
      return
    }
    if (this.#resumptions > 0 && !(status === 200 && type === 'text/event-stream')) {
      // The request may have run: whatever this response says is about the stream.
      throw this.#broken(new ConnectionError('The stream of the response cannot be resumed', 'unknown'))
    } else if (status < 200 || status >= 300) {
      this.#body = new ErrorBody((text, error) => {
        const namesRequest = this.#refused(head, text)
        // A response that does not name the request may be that of another.
        if (!namesRequest || error !== undefined) this.#exchange?.abort(error)
      })
    } else if (type === 'text/event-stream') {
      this.#transport.succeeded(this.#message, head)
      this.#body = this.#events()
      this.#resolve()
    } else if (type === 'application/json') {
      this.#transport.succeeded(this.#message, head)
      this.#body = new JsonBody(
        head,
        this.#transport.endpoint.maxMessageBytes,
        (message) => {
          this.#receive(message)
          if (!this.#isOver) throw foreignResponse(this.#message.id)
        },
        (error) => {
          this.#exchange?.abort(error)
        },
      )
    } else {
      const { origin } = this.#transport.endpoint.url
      throw this.#broken(
        new HttpStatusError(status, `${origin} answered with ${type} instead of JSON`, 'unknown'),
      )
    }
  }

  onChunk(chunk: Uint8Array): void {
    try {
      this.#body?.onChunk(chunk)
    } catch (error) {
      throw this.#broken(error)
    }
  }

  onEnd(): void {
    this.#exchangeOver()
    try {
      this.#body?.onEnd()
    } catch (error) {
      throw this.#broken(error)
    }
    if (!this.#isOver) this.#resume(undefined)
  }

  onError(error: unknown): void {
    this.#exchangeOver()
    this.#body?.stop()
    if (this.#body instanceof EventsBody || this.#resumptions > 0) this.#resume(error)
    else this.#finish(error)
  }

  #events(): EventsBody {
    return new EventsBody(this.#transport.endpoint.maxMessageBytes, {
      onEvent: ({ id, event = 'message', data }) => {
        if (this.#isOver) return
        this.#lastEventId = id ?? this.#lastEventId
        if (data !== '' && event === 'message') this.#receive(readJson(data))
      },
      onRetry: (ms) => {
        this.#retryMs = ms
      },
      onTooMuch: (error) => {
        this.#exchange?.abort(error)
      },
    })
  }

  /** Delivers what a response holds, up to the answer to the request. */
  #receive(message: unknown): void {
    if (this.#isOver) return
    const { id } = this.#message
    const isAnswered = answers(message, id)
    this.#transport.deliver(message, id)
    if (!isAnswered) return
    if (this.#body instanceof EventsBody) this.#body.answered()
    this.#finish(undefined)
  }

  /** Fails with the JSON-RPC error that may come with an error status. Returns whether it names the request. */
  #refused(head: ResponseHead, text: string): boolean {
    const { endpoint, hasSession } = this.#transport
    const { id } = this.#message
    const body = errorResponse(text)
    if ((head.status === 404 || head.status === 410) && hasSession) this.#finish(new SessionForgottenError())
    else if (body === undefined) this.#finish(statusError(head, endpoint.url))
    else if (body.id !== undefined && body.id !== id) this.#finish(foreignResponse(id))
    else this.#receive({ jsonrpc: '2.0', id, error: body.error })
    return body?.id === id
  }

  /** Reconnects where the stream has ended before the answer, if the server can resume it. */
  #resume(failure: unknown): void {
    if (this.#isOver) return
    if (this.#lastEventId !== this.#resumedFrom) this.#resumptions = 0
    const lastEventId = (this.#resumedFrom = this.#lastEventId)
    this.#resumptions += 1
    if (lastEventId === undefined || this.#resumptions > MAX_RESUMPTIONS) {
      this.#finish(failure ?? new ConnectionError('The connection ended before the response', 'unknown'))
      return
    }
    this.#resuming = setTimeout(
      () => {
        this.#isExchangeOver = false
        this.#exchange = this.#transport.endpoint.send(
          this.#transport.resumption(lastEventId, this.#headers),
          this,
        )
      },
      Math.min(this.#retryMs ?? backOffMs(this.#resumptions - 1), MAX_RETRY_MS),
    )
  }

  /**
   * Tells the server that the request is cancelled, and again where it may not have read the request before the
   * notification, which uses another connection.
   */
  async #cancel(reason: unknown, notification: JsonRpcNotification): Promise<void> {
    const hasBegun = this.#body !== undefined
    this.#transport.cancelling(this, true)
    try {
      await this.#transport.notify(notification, this.#headers)
      if (hasBegun || this.#isExchangeOver || (await this.#endsAtOnce())) return
      await this.#transport.notify(notification, this.#headers)
    } catch {
      // The end of its connection tells the server as much.
    } finally {
      this.#transport.cancelling(this, false)
      this.#exchange?.abort(reason)
    }
  }

  /** Returns whether the exchange ends before the server begins to answer, and within a moment. */
  #endsAtOnce(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CANCELLED_AGAIN_MS, false)
      this.#whenAnswering = (isOver) => {
        clearTimeout(timer)
        resolve(isOver)
      }
    })
  }

  #exchangeOver(): void {
    this.#isExchangeOver = true
    this.#whenAnswering(true)
  }

  /** Fails for a response that makes no sense, which no resumption mends. */
  #broken(error: unknown): unknown {
    this.#finish(error)
    return error
  }

  #finish(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    if (error === undefined) this.#resolve()
    else this.#reject(error)
    this.#onEnd?.(error as Error | undefined)
  }
}
