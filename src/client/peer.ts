import { ConnectionError, ErrorCode, ProtocolError, RequestTimeoutError } from '../errors.js'
import {
  isObject,
  readMessage,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
} from '../protocol/json-rpc.js'
import type { JsonObject, Meta } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import type { MessageFacts, Transport } from '../transports/transport.js'
import { SlotMap } from '../util/slot-map.js'
import type { Handshake } from '../protocol/client-dialects.js'
import { Deadlines } from './deadlines.js'
import { PendingRequest, type PendingRequestOwner, type Sender } from './pending-request.js'

/** What a message is about that belongs to a request which is over. */
const REQUEST_IS_OVER = Symbol('a request that is over')

/** How many requests of the other side are answered at once. */
const MAX_ANSWERING = 100

/** What is heard of the other side, besides answers. `about`: what the request that it belongs to was said to be about. */
export interface PeerHandlers {
  /** Gives the result of a request; what it throws goes back as an error. */
  readonly onRequest: (
    method: string,
    params: JsonObject,
    about: unknown,
    /** Fires when the other side does not want the answer any more. */
    signal: AbortSignal,
  ) => Promise<object>
  readonly onNotification: (method: string, params: JsonObject, about: unknown) => void
  /** Called when the connection has closed. */
  readonly onClose: () => void
  /** Called when what the other side tells of its own accord is heard again, after some of it may have been missed. */
  readonly onResumed?: (() => void) | undefined
  /** Told of what makes no sense, and was passed over. */
  readonly onStray?: ((problem: string) => void) | undefined
}

export interface PeerRequest {
  /** Calls it off: the other side is told, and the answer not waited for. */
  readonly signal?: CancelSignal | undefined
  /** How long the answer is waited for, anew after each report of progress, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Whether the server is asked for progress, which extends the time-out, even if nothing is told of it. */
  readonly asksForProgress?: boolean | undefined
  /** Given the `params` of each report of progress. */
  readonly onProgress?: ((progress: JsonObject) => void) | undefined
  /** HTTP headers of the request, and of the messages that belong to it, in place of those of the connection. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** On whose behalf it is sent, in place of the connection's, where the other side trusts that. */
  readonly credentials?: Credentials | undefined
  /** Whatever is to be known of it when something comes in that belongs to it. */
  readonly about?: unknown
}

/** The far side of a connection that we began: requests to it and their answers, and what it asks and tells us. */
export class Peer implements PendingRequestOwner {
  /** Whether the other side is to be told when a request is called off. It is not while the conversation opens. */
  tellsOff = false
  readonly #transport: Transport
  readonly #handlers: PeerHandlers
  /**
   * By the ids of the requests, which are unique in the process: connections to one server may share sockets, on which
   * a late response must never be taken for that of another request.
   */
  readonly #waiting = new SlotMap<PendingRequest>()
  readonly #deadlines = new Deadlines(() => this.#waiting.values())
  readonly #answering = new Map<unknown, AbortController>()
  #isClosed = false
  #isRetired = false

  constructor(transport: Transport, handlers: PeerHandlers) {
    this.#transport = transport
    this.#handlers = handlers
    transport.onmessage = (message: unknown, facts?: unknown) => {
      this.#receive(message, facts as MessageFacts | undefined)
    }
    transport.onclose = () => {
      this.#end()
    }
    transport.onresumed = () => handlers.onResumed?.()
    transport.onerror = (error) => handlers.onStray?.(error.message)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether what the other side tells of its own accord is heard now. */
  get hears(): boolean {
    return this.#transport.hears ?? true
  }

  async start(): Promise<void> {
    await this.#transport.start()
  }

  /** Whether the server keeps a session for this connection. */
  get hasSession(): boolean {
    return this.#transport.hasSession ?? true
  }

  /** Returns the messages that open the connection, each with a time limit. */
  handshake(timeoutMs: number): Handshake {
    return {
      request: (method, params) => this.request(method, params, { timeoutMs }),
      notify: (method) => this.tell(method, timeoutMs),
      setProtocolVersion: (version) => this.#transport.setProtocolVersion?.(version),
    }
  }

  /**
   * Send a request and wait for its result.
   * @throws ProtocolError for an error; the reason of `signal`; ConnectionError where no answer can come any more,
   * RequestTimeoutError where none came in time.
   */
  request(method: string, params: JsonObject, options: PeerRequest = {}): Promise<JsonObject> {
    return new Promise<JsonObject>((resolve, reject) => {
      options.signal?.throwIfAborted()
      if (this.#isClosed) throw new ConnectionError('The connection is closed', 'not begun')
      const request = new PendingRequest(this, method, options, resolve, reject)
      request.id = this.#waiting.add(request)
      this.#post(request, params)
      request.start()
      if (request.isOver || request.deadline === Infinity) return
      request.isTimed = true
      this.#deadlines.watch(request)
    })
  }

  finished({ id, isTimed }: PendingRequest): void {
    this.#waiting.delete(id)
    if (isTimed) this.#deadlines.left()
    if (this.#isRetired) this.retire()
  }

  cancellationOf({ id }: PendingRequest, reason: string): JsonRpcNotification | undefined {
    if (!this.tellsOff) return undefined
    return { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } }
  }

  cancel(notification: JsonRpcNotification, request: PendingRequest): void {
    this.#send(notification, request.sender).catch(() => undefined)
  }

  /** Tell the other side something. What cannot be told is lost. */
  notify(method: string, params: JsonObject): void {
    this.#send({ jsonrpc: '2.0', method, params }).catch(() => undefined)
  }

  /** Tell it, and make sure that it was taken. @throws RequestTimeoutError where it was not in time. */
  async tell(method: string, timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLong = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new RequestTimeoutError(method, timeoutMs))
      }, timeoutMs)
    })
    await Promise.race([this.#send({ jsonrpc: '2.0', method }), tooLong]).finally(() => {
      clearTimeout(timer)
    })
  }

  /** Close as soon as nothing waits for an answer any more. */
  retire(): void {
    this.#isRetired = true
    if (this.#waiting.size === 0) void this.close().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#end()
    await this.#transport.close()
  }

  #post(request: PendingRequest, given: JsonObject): void {
    const { id, method, options } = request
    const asksForProgress = options.onProgress !== undefined || options.asksForProgress === true
    const params = asksForProgress ? withProgressToken(given, id) : given
    const fail = (error: unknown): void => {
      request.fail(error)
    }
    try {
      this.#transport.send({ jsonrpc: '2.0', id, method, params }, request).catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  async #send(message: JsonRpcMessage, sender?: Sender): Promise<void> {
    await this.#transport.send(message, sender)
  }

  #receive(message: unknown, facts: MessageFacts | undefined): void {
    if (this.#isClosed) return
    if (Array.isArray(message)) {
      for (const part of message) this.#receive(part, facts)
      return
    }
    const incoming = readMessage(message)
    if (incoming.kind === 'response') {
      const { id, result, error } = incoming.message
      const waiting = this.#waiting.get(id)
      if (waiting === undefined) this.#handlers.onStray?.('An answer to nothing that was asked')
      else if (error !== undefined) waiting.fail(new ProtocolError(error.code, messageOf(error), error.data))
      else if (isObject(result)) waiting.succeed(result)
      else waiting.fail(new ConnectionError(`The result of ${waiting.method} is no object`, 'unknown'))
      return
    }
    const related = this.#waiting.get(facts?.relatedRequestId)
    // A message on the stream of a request that is over is about that request, and nothing else.
    // So is a message without a name on a connection that was replaced: requests run over another one now.
    const isLate = related === undefined && (facts?.relatedRequestId !== undefined || this.#isRetired)
    const about = isLate ? REQUEST_IS_OVER : related?.options.about
    if (incoming.kind === 'notification')
      this.#notified(incoming.message.method, incoming.message.params, about)
    else if (incoming.kind === 'request') void this.#answer(incoming.message, about, related?.sender)
    else this.#handlers.onStray?.(`An invalid message: ${incoming.problem}`)
  }

  #notified(method: string, params: JsonObject = {}, about: unknown): void {
    if (method === 'notifications/progress') this.#waiting.get(params['progressToken'])?.progressed(params)
    else if (method === 'notifications/cancelled')
      this.#answering.get(params['requestId'])?.abort(new Error('The answer is not wanted any more'))
    else this.#handlers.onNotification(method, params, about)
  }

  async #answer(
    { id, method, params = {} }: JsonRpcRequest,
    about: unknown,
    sender: Sender | undefined,
  ): Promise<void> {
    const controller = new AbortController()
    let answer: object
    try {
      if (this.#answering.size >= MAX_ANSWERING)
        throw new ProtocolError(ErrorCode.InvalidRequest, `No more than ${MAX_ANSWERING} requests at once`)
      this.#answering.set(id, controller)
      answer = { result: await this.#handlers.onRequest(method, params, about, controller.signal) }
    } catch (error) {
      const { code, message, data } =
        error instanceof ProtocolError
          ? error
          : { code: ErrorCode.InternalError, message: messageOf(error), data: undefined }
      answer = { error: { code, message, data } }
    } finally {
      if (this.#answering.get(id) === controller) this.#answering.delete(id)
    }
    if (!controller.signal.aborted)
      await this.#send({ jsonrpc: '2.0', id, ...answer }, sender).catch(() => undefined)
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const error = new ConnectionError('The connection has closed', 'unknown')
    for (const waiting of this.#waiting.values()) waiting.drop(error)
    this.#deadlines.stop()
    for (const controller of this.#answering.values()) controller.abort(error)
    this.#handlers.onClose()
  }
}

/** A copy, key by key: many times cheaper than a spread of objects that differ in shape. */
function withProgressToken(params: JsonObject, progressToken: number): JsonObject {
  const all: Record<string, unknown> = {}
  for (const key in params) all[key] = params[key]
  const meta: Record<string, unknown> = {}
  const given = params['_meta'] as Meta | undefined
  for (const key in given) meta[key] = given[key]
  meta['progressToken'] = progressToken
  all['_meta'] = meta
  return all
}

/** The other side may put anything there, and so may user code. */
function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null | undefined)?.message
  return typeof message === 'string' ? message : 'It failed, and did not say why'
}
