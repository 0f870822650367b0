import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ConnectionError, HttpStatusError, MessageTooLongError } from '../../errors.js'
import { statusError, type EndpointClient } from './endpoint-client.js'
import type { HttpExchange, ResponseHandler, ResponseHead } from './http-client.js'
import { mediaType } from './media-type.js'

export interface EventHandlers {
  readonly onEvent: (event: EventSourceMessage) => void
  /** Gets how long the server wants the client to wait before it reconnects, in milliseconds. */
  readonly onRetry?: ((ms: number) => void) | undefined
}

/** Reads server-sent events from bytes; one event may have `maxBytes`. */
export class EventStreamParser {
  readonly #maxBytes: number
  readonly #decoder = new TextDecoder()
  readonly #parser: ReturnType<typeof createParser>
  #pendingBytes = 0

  constructor(maxBytes: number, { onEvent, onRetry }: EventHandlers) {
    this.#maxBytes = maxBytes
    this.#parser = createParser({
      onEvent: (event) => {
        this.#pendingBytes = 0
        onEvent(event)
      },
      onComment: () => {
        this.#pendingBytes = 0
      },
      ...(onRetry && { onRetry }),
    })
  }

  /** @throws MessageTooLongError, and whatever `onEvent` throws. */
  feed(chunk: Uint8Array): void {
    this.#pendingBytes += chunk.length
    this.#parser.feed(this.#decoder.decode(chunk, { stream: true }))
    if (this.#pendingBytes > this.#maxBytes) throw new MessageTooLongError(this.#maxBytes)
  }
}

/** A stream of server-sent events that a GET opens. */
export class EventStream implements ResponseHandler {
  /** Resolves when the stream is open. Rejects with an HttpStatusError for any other response. */
  readonly opened: Promise<void>
  /** Resolves when the stream has ended, with the error that ended it, if one did. Never rejects. */
  readonly ended: Promise<unknown>
  readonly #endpoint: EndpointClient
  readonly #parser: EventStreamParser
  readonly #exchange: HttpExchange
  #open: () => void = () => undefined
  #refuse: (error: unknown) => void = () => undefined
  #end: (error?: unknown) => void = () => undefined

  constructor(endpoint: EndpointClient, headers: readonly string[], handlers: EventHandlers) {
    this.#endpoint = endpoint
    this.#parser = new EventStreamParser(endpoint.maxMessageBytes, handlers)
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#refuse = reject
    })
    this.opened.catch(() => undefined)
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#exchange = endpoint.send({ method: 'GET', headers }, this)
  }

  abort(reason: unknown): void {
    this.#exchange.abort(reason)
  }

  onHead(head: ResponseHead): void {
    const { url } = this.#endpoint
    if (head.status !== 200) throw statusError(head, url)
    const type = mediaType(head)
    if (type !== 'text/event-stream')
      throw new HttpStatusError(200, `${url.origin} opened no event stream, but sent ${type}`, 'not begun')
    this.#open()
  }

  onChunk(chunk: Uint8Array): void {
    this.#parser.feed(chunk)
  }

  onEnd(): void {
    this.#refuse(new ConnectionError('The event stream ended before it opened', 'not begun'))
    this.#end()
  }

  onError(error: unknown): void {
    this.#refuse(error)
    this.#end(error)
  }
}
