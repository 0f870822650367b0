import type { Reply } from '../../sessions/sinks.js'
import type { EventStream } from './event-streams.js'
import { NO_HEADERS, type HttpHeaders, type HttpResponse } from './message.js'
import { EVENT_STREAM, frame, KEEP_ALIVE } from './sse.js'

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
  /** Begins a stream that the client can come back to, where it can. */
  onStream: ((response: HttpResponse, headers: HttpHeaders) => EventStream) | undefined
  readonly #response: HttpResponse
  readonly #accepts: Accepts
  #headers: HttpHeaders
  #isStreaming = false
  #stream: EventStream | undefined

  /** `headers` go out with the answer, whichever it is. */
  constructor(response: HttpResponse, accepts: Accepts, headers: HttpHeaders) {
    this.#response = response
    this.#accepts = accepts
    this.#headers = headers
  }

  get canSend(): boolean {
    return this.#accepts.stream
  }

  /** Put another header before the answer; only of use before it begins. */
  addHeader(name: string, value: string): void {
    this.#headers = { ...this.#headers, [name]: value }
  }

  send(message: string): void | Promise<void> {
    if (!this.#accepts.stream) return
    this.#beginStream()
    return this.#stream === undefined ? this.#response.write(frame(message)) : this.#stream.write(message)
  }

  keepAlive(): void {
    if (!this.#accepts.stream) return
    this.#beginStream()
    if (this.#stream === undefined) void this.#response.write(KEEP_ALIVE)
    else this.#stream.keepAlive()
  }

  hangUp(): void {
    if (this.onStream === undefined || !this.#accepts.stream) return
    this.#beginStream()
    this.#stream?.hangUp()
  }

  end(message?: string, status = 200, headers?: HttpHeaders): void {
    if (headers !== undefined) this.#headers = { ...this.#headers, ...headers }
    if (this.#isStreaming || (status === 200 && !this.#isPlain(message))) this.#endStream(message)
    else this.#json(message === undefined ? 202 : status, message)
  }

  accept(): void {
    if (this.#isStreaming) this.#endStream(undefined)
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
    if (this.onStream === undefined) this.#response.beginStream({ ...this.#headers, ...EVENT_STREAM })
    else this.#stream = this.onStream(this.#response, this.#headers)
  }

  #endStream(message: string | undefined): void {
    // There is nothing to come back for where there is no answer.
    if (message === undefined) this.onStream = undefined
    this.#beginStream()
    if (this.#stream !== undefined) {
      this.#stream.end(message)
      return
    }
    if (message !== undefined) void this.#response.write(frame(message))
    this.#response.endStream()
  }
}
