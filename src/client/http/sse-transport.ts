import { ConnectionError, RequestTimeoutError } from '../../errors.js'
import { parseJson, type JsonRpcMessage } from '../../protocol/json-rpc.js'
import type { SendOptions, Transport } from '../../transports/transport.js'
import { readEvents } from './event-reader.js'
import { addFields } from './header-fields.js'
import { accessFor, type HttpAccess, type HttpTransportOptions } from './http-access.js'
import type { HttpAnswer } from './http-client.js'
import { statusError, urlOf } from './http-requests.js'

/** How long a server may take to say where messages go, in milliseconds. */
const ENDPOINT_TIMEOUT_MS = 15_000

/** A connection to a server over HTTP+SSE, the transport of 2024-11-05: one stream down, a POST for each message up. */
export class SSETransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  readonly eras = ['2025-11-25'] as const
  readonly #access: HttpAccess
  readonly #letGo: () => void
  readonly #headers: () => Readonly<Record<string, string>>
  readonly #closing = new AbortController()
  #endpoint: URL | undefined
  #version: string | undefined

  /** @throws TypeError for what is no HTTP address. */
  constructor(
    url: string | URL,
    options: HttpTransportOptions | HttpAccess = {},
    headers: () => Readonly<Record<string, string>> = () => ({}),
  ) {
    const { access, letGo } = accessFor(url, options)
    this.#access = access
    this.#letGo = letGo
    this.#headers = headers
  }

  setProtocolVersion(version: string): void {
    this.#version = version
  }

  /** Open the stream. Resolves when the server has said where messages go. */
  async start(): Promise<void> {
    const { requests } = this.#access
    const { signal } = this.#closing
    const answer = await requests.send({
      method: 'GET',
      headers: addFields(['accept', 'text/event-stream'], this.#headers()),
      signal,
    })
    if (answer.status !== 200) {
      answer.discard()
      throw statusError(answer.status, requests.url)
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new RequestTimeoutError('the SSE endpoint', ENDPOINT_TIMEOUT_MS))
        void this.close()
      }, ENDPOINT_TIMEOUT_MS)
      void this.#read(answer, resolve).then((error) => {
        clearTimeout(timer)
        reject(error ?? new ConnectionError('The stream ended before it said where messages go', 'not begun'))
        void this.close()
      })
    })
  }

  /** @throws ConnectionError where the server did not take the message. */
  async send(message: JsonRpcMessage, { headers }: SendOptions = {}): Promise<void> {
    if (this.#endpoint === undefined || this.#closing.signal.aborted)
      throw new ConnectionError('The connection is closed', 'not begun')
    const fields = ['content-type', 'application/json']
    if (this.#version !== undefined) fields.push('mcp-protocol-version', this.#version)
    const answer = await this.#access.requests.send(
      {
        method: 'POST',
        headers: addFields(addFields(fields, headers), this.#headers()),
        body: JSON.stringify(message),
        signal: this.#closing.signal,
      },
      this.#endpoint,
    )
    answer.discard()
    if (answer.status < 200 || answer.status >= 300)
      throw statusError(answer.status, this.#access.requests.url)
  }

  close(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve()
    this.#closing.abort(new ConnectionError('The connection has been closed', 'unknown'))
    this.#letGo()
    this.onclose?.()
    return Promise.resolve()
  }

  /** Go on after the user has been sent to the authorization server and back. */
  async finishAuth(response: Parameters<HttpAccess['finishAuth']>[0]): Promise<void> {
    await this.#access.finishAuth(response)
  }

  /** Gives why the stream ended, if it was not its end. */
  async #read(answer: HttpAnswer, onEndpoint: () => void): Promise<Error | undefined> {
    try {
      await readEvents(answer, this.#access.maxMessageBytes, {
        onEvent: ({ event = 'message', data }) => {
          if (event === 'endpoint') {
            this.#endpoint = this.#endpointAt(data)
            onEndpoint()
          } else if (event === 'message') this.onmessage?.(parseJson(data) as never)
        },
      })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** Messages, and what they hold, go to nobody but the server that was meant. */
  #endpointAt(data: string): URL {
    const { url } = this.#access.requests
    const endpoint = urlOf(data, url)
    if (endpoint?.origin !== url.origin)
      throw new ConnectionError(
        `${url.origin} wants its messages sent to another server: ${data}`,
        'not begun',
      )
    return endpoint
  }
}
