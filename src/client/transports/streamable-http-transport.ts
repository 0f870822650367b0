import { ConnectionError, HttpStatusError } from '../../errors.js'
import { claimsOwnRevision } from '../../protocol/era.js'
import type { JsonRpcMessage } from '../../protocol/json-rpc.js'
import type { SendOptions, Transport } from '../../transports/transport.js'
import { backOff } from '../../util/back-off.js'
import { endpointFor, type EndpointClient, type HttpTransportOptions } from '../http/endpoint-client.js'
import { EventStream } from '../http/event-stream.js'
import { addHeaders, type HttpRequestInit } from '../http/http-client.js'
import { MessagePost } from '../http/message-post.js'
import type { AuthorizationResponse } from '../http/oauth.js'
import { addStandardFields } from '../http/standard-headers.js'
import { MAX_RETRY_MS, StreamableHttpRequest, type RequestTransport } from './streamable-http-request.js'
import { readJson } from './response-body.js'

const ACCEPTED = 'application/json, text/event-stream'

/** How often the stream of a session is opened in vain, in a row, before it is given up. */
const MAX_FAILURES = 10

/** How long a server may take to accept a notification or a response, and to end a session, in milliseconds. */
const NOTIFY_TIMEOUT_MS = 10_000
const END_SESSION_TIMEOUT_MS = 2000

/** A connection to a server over streamable HTTP (basic/transports, from 2025-03-26 on). */
export class StreamableHTTPTransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onresumed?: (() => void) | undefined
  readonly hasPerRequestStream = true
  readonly #endpoint: EndpointClient
  readonly #release: () => void
  readonly #headers: () => Readonly<Record<string, string>>
  readonly #closing = new AbortController()
  readonly #cancelling = new Set<StreamableHttpRequest>()
  readonly #requests: RequestTransport
  #stream: EventStream | undefined
  #sessionId: string | undefined
  #hears = false
  #version: string | undefined

  /** @throws TypeError for what is no HTTP address. */
  constructor(
    url: string | URL,
    options: HttpTransportOptions | EndpointClient = {},
    headers: () => Readonly<Record<string, string>> = () => ({}),
  ) {
    const { endpoint, release } = endpointFor(url, options)
    this.#endpoint = endpoint
    this.#release = release
    this.#headers = headers
    this.#requests = this.#forRequests()
  }

  /** Whether the stream for what answers no request is open. */
  get hears(): boolean {
    return this.#hears
  }

  /** The `Mcp-Session-Id`, if the server issued one (up to 2025-11-25). */
  get sessionId(): string | undefined {
    return this.#sessionId
  }

  get hasSession(): boolean {
    return this.#sessionId !== undefined
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  setProtocolVersion(version: string): void {
    this.#version = version
  }

  /** @throws ConnectionError where the server does not accept the message. */
  send(message: JsonRpcMessage, options: SendOptions = {}): Promise<void> {
    if (this.#closing.signal.aborted)
      return Promise.reject(new ConnectionError('The connection is closed', 'not begun'))
    if (!('method' in message && 'id' in message)) return this.#notify(message, options.headers)
    const request = new StreamableHttpRequest(this.#requests, message, options)
    request.send(this.#post(message, options.headers))
    return request.taken
  }

  /** Ends the session, if the server allows clients to. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    const ending = this.#sessionId === undefined ? undefined : this.#endSession()
    const closed = new ConnectionError('The connection has been closed', 'unknown')
    this.#closing.abort(closed)
    this.#stream?.abort(closed)
    for (const request of this.#cancelling) request.disconnect(closed)
    await ending
    this.#release()
    this.onclose?.()
  }

  /** Continues after the authorization server has sent the user back. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.#endpoint.finishAuth(response)
  }

  #forRequests(): RequestTransport {
    const hasSession = (): boolean => this.#sessionId !== undefined
    return {
      endpoint: this.#endpoint,
      get hasSession() {
        return hasSession()
      },
      deliver: (message, id) => {
        this.#deliver(message, id)
      },
      notify: (notification, headers) => this.#notify(notification, headers),
      resumption: (lastEventId, headers) => ({
        method: 'GET',
        headers: this.#streamHeaders(lastEventId, headers),
      }),
      succeeded: ({ method }, head) => {
        if (method === 'initialize') this.#sessionId = head.header('mcp-session-id') ?? this.#sessionId
      },
      cancelling: (request, isPending) => {
        if (isPending) this.#cancelling.add(request)
        else this.#cancelling.delete(request)
      },
    }
  }

  async #notify(message: JsonRpcMessage, headers: SendOptions['headers']): Promise<void> {
    await new MessagePost(this.#endpoint, this.#post(message, headers), NOTIFY_TIMEOUT_MS, {
      hasSession: this.#sessionId !== undefined,
    }).accepted
    if ('method' in message && message.method === 'notifications/initialized') void this.#listen()
  }

  #post(message: JsonRpcMessage, headers: SendOptions['headers']): HttpRequestInit {
    const fields = ['accept', ACCEPTED, 'content-type', 'application/json']
    if ('method' in message && claimsOwnRevision(message.params)) addStandardFields(fields, message)
    else this.#addSessionFields(fields)
    return {
      method: 'POST',
      headers: addHeaders(fields, headers ?? this.#headers()),
      body: JSON.stringify(message),
    }
  }

  #addSessionFields(fields: string[]): string[] {
    if (this.#sessionId !== undefined) fields.push('mcp-session-id', this.#sessionId)
    if (this.#version !== undefined) fields.push('mcp-protocol-version', this.#version)
    return fields
  }

  #streamHeaders(lastEventId: string | undefined, headers = this.#headers()): string[] {
    const fields = this.#addSessionFields(['accept', 'text/event-stream'])
    if (lastEventId !== undefined) fields.push('last-event-id', lastEventId)
    return addHeaders(fields, headers)
  }

  /** Keeps the stream for what answers no request open, as long as the session lasts (up to 2025-11-25). */
  async #listen(): Promise<void> {
    const position: { lastEventId: string | undefined; retryMs: number | undefined } = {
      lastEventId: undefined,
      retryMs: undefined,
    }
    const { signal } = this.#closing
    let wasOpen = false
    let failures = 0
    for (let attempt = 0; !signal.aborted && failures <= MAX_FAILURES; attempt++) {
      try {
        const stream = this.#openStream(position)
        await stream.opened
        this.#hears = true
        if (wasOpen) this.onresumed?.()
        wasOpen = true
        failures = 0
        const openedAt = performance.now()
        await stream.ended
        this.#hears = false
        if (performance.now() - openedAt > MAX_RETRY_MS) attempt = 0
      } catch (error) {
        if (this.#isForgotten(error)) {
          if (wasOpen) void this.close()
          return
        }
        if (isUnsupported(error)) return
        failures += 1
      }
      await backOff(attempt, signal, Math.min(position.retryMs ?? 0, MAX_RETRY_MS) || undefined).catch(
        () => undefined,
      )
    }
  }

  #openStream(position: { lastEventId: string | undefined; retryMs: number | undefined }): EventStream {
    const stream = new EventStream(this.#endpoint, this.#streamHeaders(position.lastEventId), {
      onEvent: ({ id, event = 'message', data }) => {
        position.lastEventId = id ?? position.lastEventId
        if (data !== '' && event === 'message') this.#deliver(readJson(data), undefined)
      },
      onRetry: (ms) => {
        position.retryMs = ms
      },
    })
    this.#stream = stream
    return stream
  }

  #isForgotten(error: unknown): boolean {
    const isGone = error instanceof HttpStatusError && (error.status === 404 || error.status === 410)
    return isGone && this.#sessionId !== undefined
  }

  async #endSession(): Promise<void> {
    try {
      const headers = addHeaders(this.#addSessionFields([]), this.#headers())
      await new MessagePost(this.#endpoint, { method: 'DELETE', headers }, END_SESSION_TIMEOUT_MS).accepted
    } catch {
      // A session that cannot be ended expires by itself.
    }
  }

  #deliver(message: unknown, relatedRequestId: unknown): void {
    this.onmessage?.(message as never, { relatedRequestId } as never)
  }
}

/** Whether a server has no such stream. With 409 it may not have noticed yet that the last one has ended. */
function isUnsupported(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status < 500 && error.status !== 409
}
