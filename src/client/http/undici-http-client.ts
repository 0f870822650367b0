import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { ConnectionError } from '../../errors.js'
import type { ConnectionSettings } from './connection-settings.js'
import { ACCEPTED_ENCODINGS, Decompressor } from './decompressor.js'
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
export function createHttpClient(settings: ConnectionSettings): HttpClient {
  return new UndiciHttpClient(createDispatchers(settings))
}

/** Sends requests through undici's `dispatch`, which reads and writes HTTP/1.1 and keeps connections. */
class UndiciHttpClient implements HttpClient {
  readonly #dispatchers: Dispatchers
  /** Most requests go to the same URL as the one before. */
  #target: Target | undefined
  #lastResponseAt = 0

  constructor(dispatchers: Dispatchers) {
    this.#dispatchers = dispatchers
  }

  send(url: URL, init: HttpRequestInit, handler: ResponseHandler): HttpExchange {
    if (url !== this.#target?.url) this.#target = new Target(url, this.#dispatchers)
    const { origin, path, dispatcher } = this.#target
    const exchange = new UndiciExchange(origin, handler, this.#responded)
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
    if (performance.now() - this.#lastResponseAt < STALE_MS) dispatcher.dispatch(options, exchange)
    else
      setImmediate(() => {
        if (!exchange.isOver) dispatcher.dispatch(options, exchange)
      })
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
  readonly #onResponse: () => void
  #controller: Dispatcher.DispatchController | undefined
  #headers: IncomingHttpHeaders = {}
  #informational = 0
  #decompressor: Decompressor | undefined
  #reason: unknown

  constructor(origin: string, handler: ResponseHandler, onResponse: () => void) {
    super(handler)
    this.#origin = origin
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
    controller: Dispatcher.DispatchController,
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
    if (encoding !== undefined) this.#decompress(encoding, controller)
    this.receiveHead(this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#decompressor === undefined) this.receiveChunk(chunk)
    else if (!this.isOver) {
      // The end of the response must not overtake the data that is still to be decompressed.
      controller.pause()
      this.#decompressor.write(chunk)
    }
  }

  onResponseEnd(): void {
    this.#onResponse()
    this.#decompressor?.close()
    this.receiveEnd()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(error)
  }

  protected override disconnect(reason: unknown): void {
    this.#reason = reason
    if (!this.isSent) return
    this.#decompressor?.close()
    // `abort` keeps the connection once the response is complete, and makes undici open another one before that.
    if (this.socketOwner !== undefined) this.socketOwner.disconnect()
    else this.#controller?.abort(reason as Error)
  }

  #decompress(encoding: string, controller: Dispatcher.DispatchController): void {
    try {
      this.#decompressor = new Decompressor(encoding, {
        onChunk: (chunk) => {
          this.receiveChunk(chunk)
        },
        onWritten: () => {
          if (!this.isOver) controller.resume()
        },
        onError: (error) => {
          this.#fail(error)
        },
      })
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    const outcome = this.isSent ? classifyFailure(cause) : 'not begun'
    const problem =
      outcome === 'unknown' ? `The connection to ${this.#origin} broke` : `${this.#origin} cannot be reached`
    this.abort(new ConnectionError(problem, outcome, cause))
  }
}
