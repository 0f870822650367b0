import { ConnectionError, MessageTooLongError } from '../../errors.js'
import { isObject, parseJson, type JsonRpcResponse } from '../../protocol/json-rpc.js'
import type { RequestId } from '../../protocol/types.js'
import { BodyDrain } from '../http/body-drain.js'
import { EventStreamParser, type EventHandlers } from '../http/event-stream.js'
import type { ResponseHead } from '../http/http-client.js'

const utf8 = new TextDecoder()

/** Bytes that end a JSON message, `}` and `]`. */
const CLOSING_BYTES = new Set([0x7d, 0x5d])

/**
 * A response that is one JSON message. The message is given out as soon as it is complete, if possible before the end
 * of the response is known: what `onMessage` throws then still ends the connection, whichever client sent the request.
 */
export class JsonBody {
  readonly #maxBytes: number
  readonly #onMessage: (message: unknown) => void
  readonly #onTooMuch: (error: Error) => void
  /** How long the body is, where the head says so. */
  readonly #expected: number
  readonly #chunks: Uint8Array[] = []
  #length = 0
  /** From which length on the body is next looked at for a complete message. */
  #nextTry = 0
  #isComplete = false
  /** Reads the rest of a body that goes on after its message. */
  #drain: BodyDrain | undefined

  constructor(
    head: ResponseHead,
    maxBytes: number,
    onMessage: (message: unknown) => void,
    onTooMuch: (error: Error) => void,
  ) {
    this.#maxBytes = maxBytes
    this.#onMessage = onMessage
    this.#onTooMuch = onTooMuch
    const length = head.header('content-encoding') === undefined ? head.header('content-length') : undefined
    this.#expected = length === undefined ? Infinity : Number(length)
  }

  onChunk(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#length > this.#maxBytes) throw new MessageTooLongError(this.#maxBytes)
    if (this.#isComplete) {
      this.#drain?.onChunk(chunk)
      return
    }
    this.#chunks.push(chunk)
    if (this.#length >= this.#expected) this.#complete(readJson(this.#text()))
    else if (this.#expected === Infinity) this.#tryEarly(chunk)
  }

  onEnd(): void {
    if (!this.#isComplete) this.#complete(readJson(this.#text()))
    this.#drain?.onEnd()
  }

  stop(): void {
    this.#drain?.stop()
  }

  /** Without a length only the message itself shows that it is complete. */
  #tryEarly(chunk: Uint8Array): void {
    if (this.#length < this.#nextTry || !CLOSING_BYTES.has(chunk.at(-1) ?? 0)) return
    this.#nextTry = this.#length * 2
    let message: unknown
    try {
      message = parseJson(this.#text())
    } catch {
      return
    }
    this.#drain = new BodyDrain((error) => {
      if (error !== undefined) this.#onTooMuch(error)
    })
    this.#complete(message)
  }

  #complete(message: unknown): void {
    this.#isComplete = true
    this.#onMessage(message)
  }

  #text(): string {
    const { length } = this.#chunks
    return utf8.decode(length === 1 ? this.#chunks[0] : concat(this.#chunks, this.#length))
  }
}

/** A response that is a stream of server-sent events. Once it is answered the stream has to end soon. */
export class EventsBody {
  readonly #parser: EventStreamParser
  readonly #onTooMuch: (error: Error) => void
  #drain: BodyDrain | undefined

  constructor(
    maxBytes: number,
    { onTooMuch, ...handlers }: EventHandlers & { readonly onTooMuch: (error: Error) => void },
  ) {
    this.#parser = new EventStreamParser(maxBytes, handlers)
    this.#onTooMuch = onTooMuch
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#drain === undefined) this.#parser.feed(chunk)
    else this.#drain.onChunk(chunk)
  }

  onEnd(): void {
    this.#drain?.onEnd()
  }

  answered(): void {
    this.#drain = new BodyDrain((error) => {
      if (error !== undefined) this.#onTooMuch(error)
    })
  }

  stop(): void {
    this.#drain?.stop()
  }
}

/** A response with an error status, of whose text the beginning matters. */
export class ErrorBody {
  readonly #drain: BodyDrain
  readonly #decoder = new TextDecoder()
  #text = ''

  /** `onText` gets an error beside the text if the response is too long or takes too long. */
  constructor(onText: (text: string, error: Error | undefined) => void) {
    this.#drain = new BodyDrain((error) => {
      onText(this.#text + this.#decoder.decode(), error)
    })
  }

  onChunk(chunk: Uint8Array): void {
    this.#text += this.#decoder.decode(chunk, { stream: true })
    this.#drain.onChunk(chunk)
  }

  onEnd(): void {
    this.#drain.onEnd()
  }

  stop(): void {
    this.#drain.stop()
  }
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** @throws ConnectionError for what is no JSON. */
export function readJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new ConnectionError('The server sent what is no JSON message', 'unknown', error)
  }
}

/**
 * Whether a message, or one of a batch, is the response to the request with an id.
 * @throws ConnectionError for the response to another request.
 */
export function answers(message: unknown, id: RequestId): boolean {
  let isAnswered = false
  for (const part of Array.isArray(message) ? (message as unknown[]) : [message]) {
    if (!isObject(part) || 'method' in part) continue
    if (part['id'] !== id) throw foreignResponse(id)
    isAnswered = true
  }
  return isAnswered
}

/** What a request fails with that got the response to another. */
export function foreignResponse(id: RequestId): ConnectionError {
  return new ConnectionError(`The server did not respond to request ${id}, but to another`, 'unknown')
}

/** The JSON-RPC error in the body of an error status, if there is one. */
export function errorResponse(
  text: string,
): (Pick<JsonRpcResponse, 'error'> & { readonly id?: RequestId }) | undefined {
  try {
    const { error, id } = parseJson(text) as JsonRpcResponse & { id?: RequestId | null }
    const isError =
      isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string'
    return isError ? { error, ...(id !== undefined && id !== null && { id }) } : undefined
  } catch {
    return undefined
  }
}
