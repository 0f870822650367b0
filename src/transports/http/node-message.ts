import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ErrorCode, ProtocolError } from '../../errors.js'
import { ANYBODY, type Credentials } from '../../sessions/sinks.js'
import {
  HttpError,
  MAX_BACKLOG_BYTES,
  WRITE_AT,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
} from './message.js'

/** How much of a refused body is read on, and for how long, so that its sender gets to see the refusal. */
const LINGER_BYTES = 64 * 1024 * 1024
/** The same of a body that nobody wants of who is not let in. */
const REFUSED_BYTES = 256 * 1024
const LINGER_MS = 2000

/** What frameworks such as Express add to Node's own request. */
export interface FrameworkFacts {
  /** Before the framework took the prefix away that it had routed by. */
  readonly originalUrl?: string
  /** What a body parser made of the body. */
  readonly body?: unknown
  /** Tells a client that waits for it to go on with the body. */
  goOn?: () => void
}

/** Node's own request, as it is, or as a framework handed it on. */
export class NodeRequest implements HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HttpHeaders
  credentials: Credentials = ANYBODY
  readonly #message: IncomingMessage & FrameworkFacts

  constructor(message: IncomingMessage) {
    const { url = '', method = '' } = message
    const query = url.indexOf('?')
    this.method = method
    this.path = query < 0 ? url : url.slice(0, query)
    this.query = query < 0 ? '' : url.slice(query + 1)
    this.headers = message.headers as HttpHeaders
    this.#message = message
  }

  get originalPath(): string {
    return this.#message.originalUrl?.split('?', 1)[0] ?? this.path
  }

  get parsed(): unknown {
    const { body } = this.#message
    return typeof body === 'string' || body instanceof Uint8Array ? undefined : body
  }

  text(limit: number): Promise<string> {
    const message = this.#message
    const { body } = message
    if (typeof body === 'string') return Promise.resolve(body)
    if (body instanceof Uint8Array) return Promise.resolve().then(() => decode(Buffer.from(body)))
    const { promise, resolve, reject } = resolvers<string>()
    const whole = Number(message.headers['content-length'])
    if (whole > limit) {
      linger(message)
      reject(tooLarge(limit))
      return promise
    }
    message.goOn?.()
    const chunks: Buffer[] = []
    let length = 0
    let isRead = false
    const onEnd = (): void => {
      if (isRead) return
      isRead = true
      try {
        resolve(decode(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
      } catch (error) {
        reject(error as Error)
      }
    }
    const onData = (chunk: Buffer): void => {
      length += chunk.length
      chunks.push(chunk)
      if (length > limit) {
        message.off('data', onData)
        linger(message)
        reject(tooLarge(limit))
      } else if (length === whole) onEnd()
    }
    message.on('data', onData)
    // That comes a turn later than the last of a body whose length is known.
    message.on('end', onEnd)
    message.on('error', () => {
      reject(new HttpError(400, 'The body was not sent to its end'))
    })
    // Its client may have gone before anybody wanted to read.
    if (message.destroyed) reject(new HttpError(400, 'The body was not sent to its end'))
    return promise
  }

  discard(): void {
    if (!this.#message.complete) linger(this.#message, REFUSED_BYTES)
  }
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `A request must not be larger than ${limit} bytes`, { connection: 'close' })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decoding puts U+FFFD where bytes make no sense; only then is it worth asking whether they did. */
function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\uFFFD')) return text
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'Parse error: the message is not valid UTF-8')
  }
}

/** Read what is left without keeping it: closing at once would reset the connection before the answer is read. */
function linger(message: IncomingMessage, bytes = LINGER_BYTES): void {
  let rest = bytes
  const stop = (): void => {
    message.destroy()
  }
  const timer = setTimeout(stop, LINGER_MS)
  message.on('data', (chunk: Buffer) => {
    rest -= chunk.length
    if (rest < 0) stop()
  })
  message.once('close', () => {
    clearTimeout(timer)
  })
}

/** Node's own response. */
export class NodeResponse implements HttpResponse {
  /** Let go of once it has ended: what refers to this may be collected much later. */
  #response: ServerResponse | undefined
  #pending = ''
  #isScheduled = false
  #drained: Promise<void> | undefined

  constructor(response: ServerResponse) {
    this.#response = response
  }

  send(status: number, headers: HttpHeaders, body?: string): void {
    const response = this.#response
    if (response === undefined || response.headersSent) return
    const head: string[] = []
    for (const name in headers) head.push(name, headers[name] as string)
    if (status !== 204)
      head.push('content-length', body === undefined ? '0' : String(Buffer.byteLength(body)))
    response.writeHead(status, head)
    response.end(body)
    this.#response = undefined
  }

  beginStream(headers: HttpHeaders): void {
    const response = this.#response
    if (response === undefined || response.headersSent) return
    response.writeHead(200, headers)
    response.flushHeaders()
  }

  write(text: string): void | Promise<void> {
    const response = this.#response
    if (response === undefined || response.destroyed) return
    if (response.writableLength > MAX_BACKLOG_BYTES) {
      response.destroy()
      return
    }
    this.#pending += text
    if (this.#pending.length >= WRITE_AT) this.#flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#flush()
      })
    }
    return this.#drained
  }

  endStream(): void {
    const text = this.#pending
    this.#pending = ''
    this.#response?.end(text)
    this.#response = undefined
  }

  cut(): void {
    this.#response?.destroy()
  }

  onGone(listener: () => void): void {
    const response = this.#response
    if (response === undefined) return
    if (isCut(response)) listener()
    else
      onClose(response, () => {
        if (!response.writableFinished) listener()
      })
  }

  onOver(listener: () => void): void {
    const response = this.#response
    if (response === undefined || isCut(response) || response.closed) listener()
    else onClose(response, listener)
  }

  #flush(): void {
    this.#isScheduled = false
    const response = this.#response
    const text = this.#pending
    this.#pending = ''
    if (text === '' || response === undefined || response.destroyed || response.write(text)) return
    this.#drained ??= this.#drain(response)
  }

  /** Resolves when the client has caught up, or has gone. */
  #drain(response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#drained = undefined
        response.off('drain', done).off('close', done)
        resolve()
      }
      response.on('drain', done).on('close', done)
    })
  }
}

function isCut(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed
}

function onClose(response: ServerResponse, listener: () => void): void {
  const closed = (): void => {
    forget()
    response.off('close', closed)
    listener()
  }
  // A response that waits behind others on its connection does not hear of the end of that.
  const forget = whenClosed(response.req.socket, closed)
  response.on('close', closed)
}

const closing = new WeakMap<Socket, Set<() => void>>()

/** Call back when a connection closes, of which many requests may want to hear; gives what takes that back. */
function whenClosed(socket: Socket, callback: () => void): () => void {
  let callbacks = closing.get(socket)
  if (callbacks === undefined) {
    const all = new Set<() => void>()
    socket.once('close', () => {
      for (const each of [...all]) each()
    })
    closing.set(socket, (callbacks = all))
  }
  const known = callbacks
  known.add(callback)
  return () => known.delete(callback)
}

function resolvers<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: Error) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((done, fail) => {
    resolve = done
    reject = fail
  })
  return { promise, resolve, reject }
}
