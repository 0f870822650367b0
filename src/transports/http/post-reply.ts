import type { Reply } from '../../sessions/sinks.js'
import { NO_HEADERS, type HttpHeaders, type HttpResponse } from './message.js'
import { EVENT_STREAM, frame } from './sse.js'

/** What a client can read, by its `Accept` header. */
export interface Accepts {
  readonly json: boolean
  readonly stream: boolean
}

export const JSON_TYPE = 'application/json'
const JSON_HEADERS: HttpHeaders = { 'content-type': JSON_TYPE }

/** The answer to one POST: JSON if the answer is all there is to say, else a stream that ends with it. */
export class PostReply implements Reply {
  /** Called once, before the head of the answer goes out. */
  onBegin: (() => void) | undefined
  readonly #response: HttpResponse
  readonly #accepts: Accepts
  #headers: HttpHeaders
  #isStreaming = false

  /** `headers` go out with the answer, whichever it is. */
  constructor(response: HttpResponse, accepts: Accepts, headers: HttpHeaders) {
    this.#response = response
    this.#accepts = accepts
    this.#headers = headers
  }

  /** Put another header before the answer; only of use before it begins. */
  addHeader(name: string, value: string): void {
    this.#headers = { ...this.#headers, [name]: value }
  }

  send(message: string): void | Promise<void> {
    if (!this.#accepts.stream) return
    this.#beginStream()
    return this.#response.write(frame(message))
  }

  end(message?: string, status = 200): void {
    if (this.#isStreaming || (status === 200 && !this.#isPlain(message))) this.#endStream(message)
    else this.#json(message === undefined ? 202 : status, message)
  }

  accept(): void {
    if (this.#isStreaming) this.#response.endStream()
    else this.#response.send(202, this.#headers)
  }

  /** Whether the answer goes out as it is; a client that reads no JSON, or is owed no answer, gets a stream. */
  #isPlain(message: string | undefined): boolean {
    return !this.#accepts.stream || (message !== undefined && this.#accepts.json)
  }

  #json(status: number, message: string | undefined): void {
    this.onBegin?.()
    const headers = this.#headers === NO_HEADERS ? JSON_HEADERS : { ...this.#headers, ...JSON_HEADERS }
    this.#response.send(status, headers, message)
  }

  #beginStream(): void {
    if (this.#isStreaming) return
    this.#isStreaming = true
    this.onBegin?.()
    this.#response.beginStream({ ...this.#headers, ...EVENT_STREAM })
  }

  #endStream(message: string | undefined): void {
    this.#beginStream()
    if (message !== undefined) void this.#response.write(frame(message))
    this.#response.endStream()
  }
}
