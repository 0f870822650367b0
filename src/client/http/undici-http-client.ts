import type { Agent, Dispatcher } from 'undici'
import { ConnectionError } from '../../errors.js'
import type { HttpAnswer, HttpAsked, HttpClient } from './http-client.js'
import { outcomeOf } from './outcome.js'

/** How long a connection may take to be there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 15_000

/** How much of a body that is not wanted is read, so that its connection can be used again, in bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024

type Headers = Record<string, string | string[] | undefined>

/** Sends requests through undici, over connections that are used again. */
export class UndiciHttpClient implements HttpClient {
  #agent: Agent | undefined
  #loading: Promise<Agent> | undefined

  async send(url: URL, asked: HttpAsked): Promise<HttpAnswer> {
    const agent = this.#agent ?? (await this.#load())
    return new Promise((resolve, reject) => {
      asked.signal?.throwIfAborted()
      const answering = new Answering(url, asked, resolve, reject)
      const { method, headers, body = null } = asked
      agent.dispatch(
        { origin: url.origin, path: url.pathname + url.search, method, headers, body },
        answering,
      )
    })
  }

  close(): void {
    const agent = this.#agent
    this.#agent = this.#loading = undefined
    void agent?.destroy().catch(() => undefined)
  }

  #load(): Promise<Agent> {
    return (this.#loading ??= import('#undici').then(({ Agent }) => {
      // How long an answer may take is decided by who waits for it.
      const timeouts = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_TIMEOUT_MS } }
      return (this.#agent = new Agent({ pipelining: 1, ...timeouts }))
    }))
  }
}

/** One request, from when it is sent until its answer has been read. */
class Answering implements Dispatcher.DispatchHandler, HttpAnswer {
  readonly #url: URL
  readonly #asked: HttpAsked
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (error: unknown) => void
  status = 0
  #headers: Headers = {}
  #controller: Dispatcher.DispatchController | undefined
  #calledOff: { readonly reason: unknown } | undefined
  #take: ((chunk: Uint8Array) => void) | undefined
  #end: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined
  /** What came before somebody wanted to read it. */
  #early: Uint8Array[] = []
  #over: { readonly error: unknown } | undefined

  constructor(
    url: URL,
    asked: HttpAsked,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#url = url
    this.#asked = asked
    this.#resolve = resolve
    this.#reject = reject
    asked.whenCalledOff?.(this.#callOff)
    asked.signal?.addEventListener('abort', this.#onSignal)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#calledOff !== undefined) controller.abort(asError(this.#calledOff.reason))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return
    this.status = status
    this.#headers = headers
    this.#resolve(this)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#take === undefined) this.#early.push(chunk)
    else this.#give(this.#take, chunk)
  }

  onResponseEnd(): void {
    this.#finish(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(this.#calledOff === undefined ? this.#failure(error) : this.#calledOff.reason)
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  read(take: (chunk: Uint8Array) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#take = take
      this.#end = { resolve, reject }
      const early = this.#early
      this.#early = []
      for (const chunk of early) this.#give(take, chunk)
      if (this.#over !== undefined) this.#tellEnd(this.#over.error)
    })
  }

  discard(): void {
    let length = 0
    this.#early = []
    this.#take = (chunk) => {
      length += chunk.length
      if (length > MAX_DISCARDED_BYTES) throw new Error('Nobody wants to know')
    }
  }

  readonly #callOff = (reason: unknown): void => {
    this.#calledOff ??= { reason }
    this.#controller?.abort(asError(reason))
  }

  readonly #onSignal = (): void => {
    this.#callOff(this.#asked.signal?.reason)
  }

  /** A reader that takes no more ends the connection. */
  #give(take: (chunk: Uint8Array) => void, chunk: Uint8Array): void {
    try {
      take(chunk)
    } catch (error) {
      this.#take = () => undefined
      this.#callOff(error)
      this.#end?.reject(error)
    }
  }

  #finish(error: unknown): void {
    this.#asked.signal?.removeEventListener('abort', this.#onSignal)
    this.#over = { error }
    if (this.status === 0) this.#reject(error)
    this.#tellEnd(error)
  }

  #tellEnd(error: unknown): void {
    if (error === undefined) this.#end?.resolve()
    else this.#end?.reject(error)
  }

  #failure(error: Error): ConnectionError {
    const { origin } = this.#url
    const outcome = this.#controller === undefined ? outcomeOf(error) : 'unknown'
    return outcome === 'not begun'
      ? new ConnectionError(`${origin} cannot be reached`, outcome, error)
      : new ConnectionError(`The connection to ${origin} broke`, outcome, error)
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
