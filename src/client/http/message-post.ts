import { ConnectionError, RequestTimeoutError, SessionForgottenError } from '../../errors.js'
import { BodyDrain } from './body-drain.js'
import { statusError, type EndpointClient } from './endpoint-client.js'
import type { HttpExchange, HttpRequestInit, ResponseHandler, ResponseHead } from './http-client.js'
import { mayHoldMessages, mediaType } from './media-type.js'

/** A POST of a message that the server accepts without answering it. */
export class MessagePost implements ResponseHandler {
  /** Resolves when the server has accepted the message. @throws ConnectionError where it has not. */
  readonly accepted: Promise<void>
  readonly #endpoint: EndpointClient
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #exchange: HttpExchange
  readonly #hasSession: boolean
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  #drain: BodyDrain | undefined
  #type = ''

  /** `url` is where the message goes, if not to the endpoint itself; `hasSession`: whether it belongs to a session. */
  constructor(
    endpoint: EndpointClient,
    init: HttpRequestInit,
    timeoutMs: number,
    { url, hasSession = false }: { readonly url?: URL; readonly hasSession?: boolean } = {},
  ) {
    this.#endpoint = endpoint
    this.#hasSession = hasSession
    this.accepted = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#timer = setTimeout(() => {
      this.abort(new RequestTimeoutError('a message', timeoutMs))
    }, timeoutMs)
    this.#exchange = endpoint.send(init, this, url)
  }

  get isSent(): boolean {
    return this.#exchange.isSent
  }

  abort(reason: unknown): void {
    this.#exchange.abort(reason)
  }

  onHead(head: ResponseHead): void {
    clearTimeout(this.#timer)
    const { status } = head
    if ((status === 404 || status === 410) && this.#hasSession) throw new SessionForgottenError()
    if (status < 200 || status >= 300) throw statusError(head, this.#endpoint.url)
    this.#type = mediaType(head)
    this.#resolve()
    this.#drain = new BodyDrain((error) => {
      if (error !== undefined) this.abort(error)
    })
  }

  onChunk(chunk: Uint8Array): void {
    // Nothing was asked, so an answer belongs to another message: those behind it would be shifted.
    if (mayHoldMessages(this.#type) && chunk.some((byte) => byte > 0x20))
      throw new ConnectionError('The server answered a message that is no request', 'unknown')
    this.#drain?.onChunk(chunk)
  }

  onEnd(): void {
    this.#drain?.onEnd()
  }

  onError(error: unknown): void {
    clearTimeout(this.#timer)
    this.#drain?.stop()
    this.#reject(error)
  }
}
