import { ConnectionError, RequestTimeoutError } from '../errors.js'
import type { JsonRpcNotification } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'
import type { SendOptions } from '../transports/transport.js'
import type { Waits } from './deadlines.js'
import type { PeerRequest } from './peer.js'

/** The connection that a request was sent over. */
export interface PendingRequestOwner {
  /** Called once, when the request needs no response any more. */
  finished(request: PendingRequest): void
  /** Returns the notification that cancels a request, where the other side has to be told. */
  cancellationOf(request: PendingRequest, reason: string): JsonRpcNotification | undefined
  /** Sends that notification, for a transport that does not do so itself. */
  cancel(notification: JsonRpcNotification, request: PendingRequest): void
}

/** The headers and credentials that a request, and the messages that belong to it, are sent with. */
export type Sender = Pick<SendOptions, 'headers' | 'credentials'>

/** A request that waits for its response; also the options that the transport gets with it. */
export class PendingRequest implements SendOptions, Waits {
  readonly method: string
  readonly options: PeerRequest
  id = 0
  deadline = Infinity
  /** Whether it has its response, or was abandoned. */
  isOver = false
  /** Whether its deadline is watched. */
  isTimed = false
  readonly #owner: PendingRequestOwner
  readonly #resolve: (result: JsonObject) => void
  readonly #reject: (error: unknown) => void
  #abort: ((reason: unknown, notification?: JsonRpcNotification) => void) | undefined

  constructor(
    owner: PendingRequestOwner,
    method: string,
    options: PeerRequest,
    resolve: (result: JsonObject) => void,
    reject: (error: unknown) => void,
  ) {
    this.#owner = owner
    this.method = method
    this.options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  /** The request has been sent: from now on it can be aborted, and its time runs. */
  start(): void {
    if (this.isOver) return
    const { signal } = this.options
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted === true) this.#onAbort()
    this.#extend()
  }

  get headers(): SendOptions['headers'] {
    return this.options.headers
  }

  get credentials(): SendOptions['credentials'] {
    return this.options.credentials
  }

  get sender(): Sender {
    const { headers, credentials } = this.options
    return { headers, credentials }
  }

  /** Fires when the response is not needed any more. */
  get requestSignal(): AbortSignal {
    const controller = new AbortController()
    this.#abort = (reason, notification) => {
      if (notification !== undefined) this.#owner.cancel(notification, this)
      controller.abort(reason)
    }
    return controller.signal
  }

  readonly onAbort = (abort: (reason: unknown, notification?: JsonRpcNotification) => void): void => {
    this.#abort = abort
  }

  readonly onRequestStreamEnd = (error?: Error): void => {
    if (!this.isOver)
      this.fail(error ?? new ConnectionError('The connection ended before the response', 'unknown'))
  }

  succeed(result: JsonObject): void {
    this.#finish()
    this.#resolve(result)
  }

  fail(error: unknown): void {
    if (this.isOver) return
    this.#finish()
    this.#reject(error)
  }

  /** Fails as the connection is closed. */
  drop(error: Error): void {
    this.fail(error)
    this.#abort?.(error)
  }

  progressed(params: JsonObject): void {
    this.#extend()
    this.options.onProgress?.(params)
  }

  expire(): void {
    const { timeoutMs = Infinity } = this.options
    this.#abandon(new RequestTimeoutError(this.method, timeoutMs), 'it took too long')
  }

  readonly #onAbort = (): void => {
    this.#abandon(this.options.signal?.reason, 'it was cancelled')
  }

  /** Its time runs anew. */
  #extend(): void {
    const { timeoutMs = Infinity } = this.options
    if (timeoutMs < LONGEST_TIMER_MS) this.deadline = performance.now() + timeoutMs
  }

  #abandon(error: unknown, reason: string): void {
    if (this.isOver) return
    this.fail(error)
    const notification = this.#owner.cancellationOf(this, reason)
    if (this.#abort !== undefined) this.#abort(error, notification)
    else if (notification !== undefined) this.#owner.cancel(notification, this)
  }

  #finish(): void {
    this.isOver = true
    this.options.signal?.removeEventListener('abort', this.#onAbort)
    this.#owner.finished(this)
  }
}
