import type { ConnectionError } from '../../errors.js'

/** The header fields of a request: a name in lower case, its value, the next name, … Each name occurs once. */
export type HeaderList = readonly string[]

export interface HttpRequestInit {
  readonly method: string
  readonly headers: HeaderList
  readonly body?: string | undefined
}

/** The status line and the header fields of a response. */
export interface ResponseHead {
  readonly status: number
  /** Returns the value of a header by its lower-case name; several lines of one name are joined by `, `. */
  header(name: string): string | undefined
}

/**
 * Receives one response, synchronously as its bytes arrive: `onHead`, any number of `onChunk`, then either
 * `onEnd` or `onError`, once. An error thrown by the first three ends the exchange, destroys its connection,
 * and is handed to `onError`.
 */
export interface ResponseHandler {
  onHead(head: ResponseHead): void
  /** Takes a part of the body, decompressed. */
  onChunk(chunk: Uint8Array): void
  /** The body is complete. An error thrown here still destroys the connection: no later response can arrive on it. */
  onEnd(): void
  /** No response arrived, or not all of it. */
  onError(error: unknown): void
}

/** One request and its response. */
export interface HttpExchange {
  /** Whether any byte of the request may have reached the server. */
  readonly isSent: boolean
  /** Ends the exchange and destroys its connection. `onError` of the handler gets `reason`, unless the exchange is over. */
  abort(reason: unknown): void
}

/** Sends HTTP requests. It follows no redirects and adds no credentials. */
export interface HttpClient {
  send(url: URL, init: HttpRequestInit, handler: ResponseHandler): HttpExchange
  /** Closes idle connections and aborts exchanges, where the client owns its connections. */
  close(): void
}

/** The standard `fetch`. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** A header field that may be sent (RFC 9110, sections 5.1 and 5.5), but for those that say how the message is framed. */
const FIELD =
  /^(?!(?:connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-authorization):)[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/

/**
 * Adds fields whose names are not in the list yet.
 * @throws TypeError for a field that may not be sent.
 */
export function addHeaders(
  list: string[],
  more: Readonly<Record<string, string | undefined>> | undefined,
): string[] {
  for (const given in more) {
    const name = given.toLowerCase()
    const value = more[given]
    if (value === undefined || hasHeader(list, name)) continue
    // The value may be a secret.
    if (!FIELD.test(`${name}:${value}`)) throw new TypeError(`Invalid request header ${JSON.stringify(name)}`)
    list.push(name, value)
  }
  return list
}

/** Whether a list has a field of a lower-case name. */
export function hasHeader(list: HeaderList, name: string): boolean {
  for (let at = 0; at < list.length; at += 2) if (list[at] === name) return true
  return false
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Whether a request can have run although its connection failed: certainly not if there was no connection. */
export function classifyFailure(error: unknown): ConnectionError['outcome'] {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code === 'string' && NOT_CONNECTED.has(code)) return 'not begun'
  }
  return 'unknown'
}

/** An exchange whose handler is told of one end only, and which an error of its handler ends. */
export abstract class BaseExchange implements HttpExchange {
  isSent = false
  readonly #handler: ResponseHandler
  #isOver = false

  constructor(handler: ResponseHandler) {
    this.#handler = handler
  }

  get isOver(): boolean {
    return this.#isOver
  }

  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.disconnect(reason)
    this.#handler.onError(reason)
  }

  /** Destroys the connection that the exchange uses. */
  protected abstract disconnect(reason: unknown): void

  protected receiveHead(head: ResponseHead): void {
    if (this.#isOver) return
    try {
      this.#handler.onHead(head)
    } catch (error) {
      this.abort(error)
    }
  }

  protected receiveChunk(chunk: Uint8Array): void {
    if (this.#isOver) return
    try {
      this.#handler.onChunk(chunk)
    } catch (error) {
      this.abort(error)
    }
  }

  protected receiveEnd(): void {
    if (this.#isOver) return
    try {
      this.#handler.onEnd()
      this.#isOver = true
    } catch (error) {
      this.abort(error)
    }
  }
}
