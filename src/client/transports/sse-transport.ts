import { ConnectionError, RequestTimeoutError } from '../../errors.js'
import type { JsonRpcMessage } from '../../protocol/json-rpc.js'
import type { SendOptions, Transport } from '../../transports/transport.js'
import { endpointFor, type EndpointClient, type HttpTransportOptions } from '../http/endpoint-client.js'
import { EventStream } from '../http/event-stream.js'
import { addHeaders } from '../http/http-client.js'
import { MessagePost } from '../http/message-post.js'
import type { AuthorizationResponse } from '../http/oauth.js'
import { resolveUrl } from '../http/redirects.js'
import { readJson } from './response-body.js'

/** How long a server may take to name its endpoint for messages, and to accept one, in milliseconds. */
const ENDPOINT_TIMEOUT_MS = 15_000
const POST_TIMEOUT_MS = 60_000

/** A connection over HTTP+SSE, the transport of 2024-11-05: one stream from the server, a POST for each message to it. */
export class SSETransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  readonly eras = ['2025-11-25'] as const
  readonly #endpoint: EndpointClient
  readonly #release: () => void
  readonly #headers: () => Readonly<Record<string, string>>
  readonly #posts = new Set<MessagePost>()
  #stream: EventStream | undefined
  #postUrl: URL | undefined
  #version: string | undefined
  #isClosed = false

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
  }

  setProtocolVersion(version: string): void {
    this.#version = version
  }

  /** Opens the stream. Resolves when the server has named its endpoint for messages. */
  async start(): Promise<void> {
    let onEndpoint: () => void = () => undefined
    const endpointNamed = new Promise<void>((resolve) => {
      onEndpoint = resolve
    })
    const headers = addHeaders(['accept', 'text/event-stream'], this.#headers())
    const stream = new EventStream(this.#endpoint, headers, {
      onEvent: ({ event = 'message', data }) => {
        if (event === 'message') this.onmessage?.(readJson(data) as never)
        else if (event === 'endpoint') {
          this.#postUrl = this.#postUrlFrom(data)
          onEndpoint()
        }
      },
    })
    this.#stream = stream
    const timer = setTimeout(() => {
      stream.abort(new RequestTimeoutError('the SSE endpoint', ENDPOINT_TIMEOUT_MS, 'not begun'))
    }, ENDPOINT_TIMEOUT_MS)
    const ended = stream.ended.then((error) => {
      clearTimeout(timer)
      void this.close()
      throw (error ??
        new ConnectionError('The stream ended before it named an endpoint', 'not begun')) as Error
    })
    ended.catch(() => undefined)
    await stream.opened
    await Promise.race([endpointNamed, ended])
    clearTimeout(timer)
  }

  /** @throws ConnectionError where the server does not accept the message. */
  send(message: JsonRpcMessage, { headers, onAbort }: SendOptions = {}): Promise<void> {
    if (this.#postUrl === undefined || this.#isClosed)
      return Promise.reject(new ConnectionError('The connection is closed', 'not begun'))
    const fields = ['content-type', 'application/json']
    if (this.#version !== undefined) fields.push('mcp-protocol-version', this.#version)
    const init = {
      method: 'POST',
      headers: addHeaders(fields, headers ?? this.#headers()),
      body: JSON.stringify(message),
    }
    const post = new MessagePost(this.#endpoint, init, POST_TIMEOUT_MS, { url: this.#postUrl })
    this.#posts.add(post)
    onAbort?.((reason, notification) => {
      if (!post.isSent) post.abort(reason)
      else if (notification !== undefined) void this.#sendAfter(post, notification, headers)
    })
    return post.accepted.finally(() => this.#posts.delete(post))
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#isClosed = true
    const closed = new ConnectionError('The connection has been closed', 'unknown')
    this.#stream?.abort(closed)
    for (const post of this.#posts) post.abort(closed)
    this.#release()
    this.onclose?.()
    return Promise.resolve()
  }

  /** Continues after the authorization server has sent the user back. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.#endpoint.finishAuth(response)
  }

  /** Sends a notification once the server has accepted the request that it is about: each uses its own connection. */
  async #sendAfter(
    post: MessagePost,
    notification: JsonRpcMessage,
    headers: SendOptions['headers'],
  ): Promise<void> {
    await post.accepted.catch(() => undefined)
    await this.send(notification, { headers }).catch(() => undefined)
  }

  /** Messages go to the origin of the stream only, whatever the server says. */
  #postUrlFrom(data: string): URL {
    const { url } = this.#endpoint
    const postUrl = resolveUrl(data, url)
    if (postUrl?.origin === url.origin) return postUrl
    throw new ConnectionError(
      `${url.origin} wants messages to be sent to another origin: ${postUrl?.origin ?? 'not a URL'}`,
      'not begun',
    )
  }
}
