import { ErrorCode, ProtocolError } from '../../errors.js'
import { ANYBODY, type Credentials } from '../../sessions/sinks.js'
import type { HttpEndpoint, Role } from './endpoint.js'
import {
  HttpError,
  MAX_BACKLOG_BYTES,
  WRITE_AT,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
} from './message.js'

/** Answer a web-standard request, on any runtime that has them. */
export function fetchFrom(endpoint: HttpEndpoint, request: Request, role?: Role): Promise<Response> {
  const response = new WebResponse(request.signal)
  endpoint.handle(new WebRequest(request), response, role)
  return response.ready
}

class WebRequest implements HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HttpHeaders
  credentials: Credentials = ANYBODY
  readonly #request: Request

  constructor(request: Request) {
    const { pathname, search, host } = new URL(request.url)
    this.method = request.method
    this.path = pathname
    this.query = search.slice(1)
    this.headers = { host, ...Object.fromEntries(request.headers) }
    this.#request = request
  }

  get originalPath(): string {
    return this.path
  }

  discard(): void {
    this.#request.body?.cancel().catch(() => undefined)
  }

  async text(limit: number): Promise<string> {
    if (Number(this.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
    if (this.#request.body === null) return ''
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const reader = this.#request.body.getReader()
    let text = ''
    let length = 0
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw new HttpError(400, 'The body was not sent to its end')
      })
      if (done) return text + decode(decoder)
      length += value.length
      if (length > limit) {
        await reader.cancel()
        throw tooLarge(limit)
      }
      text += decode(decoder, value)
    }
  }
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `A request must not be larger than ${limit} bytes`)
}

function decode(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'Parse error: the message is not valid UTF-8')
  }
}

class WebResponse implements HttpResponse {
  /** The response, as soon as its head is known. */
  readonly ready: Promise<Response>
  readonly #encoder = new TextEncoder()
  readonly #signal: AbortSignal
  #resolve!: (response: Response) => void
  #reject!: (reason: unknown) => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #isOver = false
  #isGone = false
  #onPull: (() => void) | undefined
  #drained: Promise<void> | undefined
  readonly #onGone: (() => void)[] = []
  readonly #onOver: (() => void)[] = []

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (signal.aborted) this.#abort()
    else signal.addEventListener('abort', this.#abort, { once: true })
  }

  send(status: number, headers: HttpHeaders, body?: string): void {
    if (this.#isOver) return
    const response = new Response(body ?? null, { status, headers })
    this.#end()
    this.#resolve(response)
  }

  beginStream(headers: HttpHeaders): void {
    if (this.#isOver) return
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#onPull?.()
        },
        cancel: this.#gone,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: WRITE_AT }),
    )
    this.#resolve(new Response(stream, { status: 200, headers }))
  }

  write(text: string): void | Promise<void> {
    const controller = this.#controller
    if (controller === undefined || this.#isOver) return
    controller.enqueue(this.#encoder.encode(text))
    const room = controller.desiredSize ?? 0
    if (room > 0) return
    if (-room > MAX_BACKLOG_BYTES) {
      controller.error(new Error('The client reads too slowly'))
      this.#gone()
      return
    }
    return (this.#drained ??= new Promise((resolve) => {
      this.#onPull = () => {
        this.#onPull = undefined
        this.#drained = undefined
        resolve()
      }
    }))
  }

  endStream(): void {
    if (this.#isOver) return
    this.#end()
    this.#controller?.close()
  }

  cut(): void {
    if (this.#isOver) return
    const reason = new Error('The client is refused now')
    if (this.#controller === undefined) this.#resolve(new Response(null, { status: 401 }))
    else this.#controller.error(reason)
    this.#gone()
  }

  onGone(listener: () => void): void {
    if (this.#isGone) listener()
    else this.#onGone.push(listener)
  }

  onOver(listener: () => void): void {
    if (this.#isOver) listener()
    else this.#onOver.push(listener)
  }

  readonly #abort = (): void => {
    this.#reject(this.#signal.reason)
    if (!this.#isOver) this.#controller?.error(this.#signal.reason)
    this.#gone()
  }

  readonly #gone = (): void => {
    if (this.#isOver) return
    this.#isGone = true
    this.#end()
    for (const listener of this.#onGone) listener()
  }

  #end(): void {
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#abort)
    this.#onPull?.()
    for (const listener of this.#onOver) listener()
  }
}
