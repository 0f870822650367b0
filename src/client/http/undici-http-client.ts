import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { ConnectionError, MessageTooLongError } from '../../errors.js'
import type { HttpClientSettings } from './connection-settings.js'
import { ACCEPTED_ENCODINGS, readEncodings, StreamDecompressor } from './decompressor.js'
import { CompressedBody } from './compressed-body.js'
import {
  BaseExchange,
  classifyFailure,
  hasHeader,
  type HttpClient,
  type HttpExchange,
  type HttpRequestInit,
  type ResponseHandler,
  type ResponseHead,
} from './http-client.js'
import { createDispatchers, type Dispatchers, type SocketOwner } from './undici-dispatchers.js'

/** How many informational (1xx) responses may precede a response. */
const MAX_INFORMATIONAL = 100

/**
 * After how long without a response connections may have been closed unnoticed, in milliseconds: the process may have
 * been busy since. The event loop gets to look at its sockets before the next request is sent.
 */
const STALE_MS = 500

/** Creates the client of Node. */
export function createHttpClient(settings: HttpClientSettings): HttpClient {
  return new UndiciHttpClient(createDispatchers(settings), settings.maxMessageBytes)
}

/** Sends requests through undici's `dispatch`, which reads and writes HTTP/1.1 and keeps connections. */
class UndiciHttpClient implements HttpClient {
  readonly #dispatchers: Dispatchers
  readonly #maxBodyBytes: number
  /** Most requests go to the same URL as the one before. */
  #target: Target | undefined
  #lastResponseAt = 0

  constructor(dispatchers: Dispatchers, maxBodyBytes: number) {
    this.#dispatchers = dispatchers
    this.#maxBodyBytes = maxBodyBytes
  }

  send(url: URL, init: HttpRequestInit, handler: ResponseHandler): HttpExchange {
    if (url !== this.#target?.url) this.#target = new Target(url, this.#dispatchers)
    const { origin, path, dispatcher } = this.#target
    const exchange = new UndiciExchange(origin, this.#maxBodyBytes, handler, this.#responded)
    const { method, headers, body = null } = init
    const options: Dispatcher.DispatchOptions & { readonly socketUser: UndiciExchange } = {
      origin,
      path,
      method: method,
      headers: hasHeader(headers, 'accept-encoding')
        ? (headers as string[])
        : [...headers, 'accept-encoding', ACCEPTED_ENCODINGS],
      body,
      // Deadlines belong to requests, and streams may be silent for long.
      headersTimeout: 0,
      bodyTimeout: 0,
      socketUser: exchange,
    }
    const dispatch = (): void => {
      if (exchange.isOver) return
      try {
        dispatcher.dispatch(options, exchange)
      } catch (error) {
        exchange.onResponseError(undefined, error as Error)
      }
    }
    if (performance.now() - this.#lastResponseAt < STALE_MS) dispatch()
    else setImmediate(dispatch)
    return exchange
  }

  readonly #responded = (): void => {
    this.#lastResponseAt = performance.now()
  }

  close(): void {
    this.#dispatchers.close()
  }
}

/** A URL as undici takes it. */
class Target {
  readonly url: URL
  readonly origin: string
  readonly path: string
  readonly dispatcher: ReturnType<Dispatchers['for']>

  constructor(url: URL, dispatchers: Dispatchers) {
    this.url = url
    this.origin = url.origin
    this.path = url.pathname + url.search
    this.dispatcher = dispatchers.for(url)
  }
}

/** One request over undici. It is the head of its own response. */
class UndiciExchange extends BaseExchange implements Dispatcher.DispatchHandler, ResponseHead {
  status = 0
  /** The connection in use, where the dispatcher is our own. */
  socketOwner: SocketOwner | undefined
  readonly #origin: string
  readonly #maxBodyBytes: number
  readonly #onResponse: () => void
  #controller: Dispatcher.DispatchController | undefined
  #headers: IncomingHttpHeaders = {}
  #informational = 0
  /** Decompresses the body, if it is compressed. */
  #compressed: CompressedBody | StreamDecompressor | undefined
  #reason: unknown

  constructor(origin: string, maxBodyBytes: number, handler: ResponseHandler, onResponse: () => void) {
    super(handler)
    this.#origin = origin
    this.#maxBodyBytes = maxBodyBytes
    this.#onResponse = onResponse
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Unlike `abort`, an error here leaves the connection to others.
    if (this.isOver) throw this.#reason
    this.#controller = controller
    this.isSent = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      this.#informational += 1
      if (this.#informational > MAX_INFORMATIONAL) this.#fail(new Error('Too many informational responses'))
      return
    }
    this.status = status
    this.#headers = headers
    const encoding = this.header('content-encoding')
    if (encoding !== undefined) this.#decompress(encoding)
    this.receiveHead(this)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#compressed === undefined) this.receiveChunk(chunk)
    else this.#guard(() => this.#compressed?.write(chunk))
  }

  onResponseEnd(): void {
    this.#onResponse()
    const compressed = this.#compressed
    if (compressed === undefined) this.receiveEnd()
    else
      this.#guard(() => {
        if (compressed instanceof StreamDecompressor) this.#leaveConnection(compressed.isFlushed)
        compressed.end()
      })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(error)
  }

  protected override disconnect(reason: unknown): void {
    this.#reason = reason
    if (!this.isSent) return
    if (this.#compressed instanceof StreamDecompressor) this.#compressed.close()
    // `abort` keeps the connection once the response is complete, and makes undici open another one before that.
    if (this.socketOwner !== undefined) this.socketOwner.disconnect()
    else this.#controller?.abort(reason as Error)
  }

  /** The exchange ends later than its response: the connection may be used by others then, if all of the body was judged. */
  #leaveConnection(isJudged: boolean): void {
    if (!isJudged) this.socketOwner?.disconnect()
    this.socketOwner = undefined
  }

  #decompress(encoding: string): void {
    this.#guard(() => {
      const encodings = readEncodings(encoding)
      if (encodings.length === 0) return
      const handlers = {
        onChunk: (chunk: Uint8Array) => {
          this.receiveChunk(chunk)
        },
        onEnd: () => {
          this.receiveEnd()
        },
        onError: (error: Error) => {
          this.#fail(error)
        },
      }
      const isStream = this.header('content-type')?.includes('text/event-stream') === true
      this.#compressed = isStream
        ? new StreamDecompressor(encodings, handlers)
        : new CompressedBody(encodings, this.header('content-length'), this.#maxBodyBytes, handlers)
    })
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    if (cause instanceof MessageTooLongError) {
      this.abort(cause)
      return
    }
    const outcome = this.isSent ? classifyFailure(cause) : 'not begun'
    const problem =
      outcome === 'unknown' ? `The connection to ${this.#origin} broke` : `${this.#origin} cannot be reached`
    this.abort(new ConnectionError(problem, outcome, cause))
  }
}
