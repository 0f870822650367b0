import { ConnectionError, HttpStatusError, SessionForgottenError } from '../../errors.js'
import { claimsOwnRevision } from '../../protocol/era.js'
import {
  isObject,
  parseJson,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonRpcResponse,
} from '../../protocol/json-rpc.js'
import type { SendOptions, Transport } from '../../transports/transport.js'
import { readEvents } from './event-reader.js'
import type { HttpAnswer } from './http-client.js'
import type { AuthorizationResponse } from './authorization.js'
import { accessFor, type HttpAccess, type HttpTransportOptions } from './http-access.js'
import { errorTextOf, statusError, textOf } from './http-requests.js'
import { backOff } from '../back-off.js'
import { CallOff } from './call-off.js'
import { addFields } from './header-fields.js'
import { RequestWriter } from './request-bytes.js'
import { addStandardFields } from './standard-headers.js'

const ACCEPTED = 'application/json, text/event-stream'

/** How often a stream that breaks is opened again before it is given up. */
const MAX_RESUMPTIONS = 10

/** The longest that a server may have us wait before we come back, in milliseconds. */
const MAX_RETRY_MS = 30_000

/** How long a server may take to take what is not to be answered, in milliseconds: also when all else is closed. */
const TELL_TIMEOUT_MS = 10_000

/** One stream that the server writes to: how to come back to it. */
interface StreamPosition {
  lastEventId: string | undefined
  retryMs: number | undefined
}

/** A connection to a server over streamable HTTP (basic/transports, from 2025-03-26 on). */
export class StreamableHTTPTransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onresumed?: (() => void) | undefined
  readonly hasPerRequestStream = true
  readonly #access: HttpAccess
  readonly #letGo: () => void
  readonly #headers: () => Readonly<Record<string, string>>
  readonly #closing = new AbortController()
  readonly #writer = new RequestWriter()
  #sessionId: string | undefined
  #hears = false
  #version: string | undefined

  /** @throws TypeError for what is no HTTP address. */
  constructor(
    url: string | URL,
    options: HttpTransportOptions | HttpAccess = {},
    headers: () => Readonly<Record<string, string>> = () => ({}),
  ) {
    const { access, letGo } = accessFor(url, options)
    this.#access = access
    this.#letGo = letGo
    this.#headers = headers
  }

  /** Whether the stream for what answers no request is open. */
  get hears(): boolean {
    return this.#hears
  }

  /** The `Mcp-Session-Id`, if the server gave one (up to 2025-11-25). */
  get sessionId(): string | undefined {
    return this.#sessionId
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  setProtocolVersion(version: string): void {
    this.#version = version
  }

  /** @throws ConnectionError where the server did not take the message. */
  async send(message: JsonRpcMessage, options: SendOptions = {}): Promise<void> {
    if (this.#closing.signal.aborted) throw new ConnectionError('The connection is closed', 'not begun')
    const request = 'method' in message && 'id' in message ? message : undefined
    const callOff = new CallOff(request === undefined ? {} : options)
    const answer = await this.#post(message, options.headers, callOff, request === undefined)
    if (answer.status < 200 || answer.status >= 300) await this.#refused(answer, request, options)
    else if (request !== undefined) await this.#receive(answer, request, options, callOff)
    else {
      answer.discard()
      if ('method' in message && message.method === 'notifications/initialized') void this.#listen()
    }
  }

  /** End the session, as far as the server lets it be ended. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    const ending = this.#sessionId === undefined ? undefined : this.#endSession()
    this.#closing.abort(new ConnectionError('The connection has been closed', 'unknown'))
    await ending
    this.#letGo()
    this.onclose?.()
  }

  /** Go on after the user has been sent to the authorization server and back. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.#access.finishAuth(response)
  }

  #post(
    message: JsonRpcMessage,
    headers: SendOptions['headers'],
    callOff: CallOff,
    isTold: boolean,
  ): Promise<HttpAnswer> {
    const fields = ['accept', ACCEPTED, 'content-type', 'application/json']
    if ('method' in message && claimsOwnRevision(message.params)) addStandardFields(fields, message)
    else this.#addSessionFields(fields)
    return this.#access.requests.send({
      method: 'POST',
      headers: addFields(addFields(fields, headers), this.#headers()),
      body: JSON.stringify(message),
      writer: this.#writer,
      whenCalledOff: callOff.ends,
      signal: isTold ? AbortSignal.timeout(TELL_TIMEOUT_MS) : undefined,
    })
  }

  #addSessionFields(fields: string[]): string[] {
    if (this.#sessionId !== undefined) fields.push('mcp-session-id', this.#sessionId)
    if (this.#version !== undefined) fields.push('mcp-protocol-version', this.#version)
    return fields
  }

  /** An error status may come with the JSON-RPC error that it stands for. */
  async #refused(
    answer: HttpAnswer,
    request: JsonRpcRequest | undefined,
    options: SendOptions,
  ): Promise<void> {
    if (answer.status === 404 && this.#sessionId !== undefined) {
      answer.discard()
      throw new SessionForgottenError()
    }
    const body = errorIn(await errorTextOf(answer))
    if (request === undefined || body === undefined)
      throw statusError(answer.status, this.#access.requests.url)
    this.#deliver({ jsonrpc: '2.0', id: request.id, error: body }, request.id)
    options.onRequestStreamEnd?.()
  }

  async #receive(
    answer: HttpAnswer,
    { id, method }: JsonRpcRequest,
    options: SendOptions,
    callOff: CallOff,
  ): Promise<void> {
    if (method === 'initialize') this.#sessionId = answer.header('mcp-session-id') ?? this.#sessionId
    const type = mediaTypeOf(answer)
    if (type === 'text/event-stream') {
      void this.#follow(answer, id, options, callOff)
      return
    }
    if (type !== 'application/json') {
      answer.discard()
      const problem = `${this.#access.requests.url.origin} answered with ${type ?? 'no content'}, not with JSON`
      throw new HttpStatusError(answer.status, problem, 'unknown')
    }
    const text = textOf(answer, this.#access.maxMessageBytes)
    this.#deliver(readJson(typeof text === 'string' ? text : await text), id)
    options.onRequestStreamEnd?.()
  }

  /** Read the stream of one request, coming back to it where it breaks and can be resumed. */
  async #follow(
    answer: HttpAnswer,
    id: unknown,
    { onRequestStreamEnd }: SendOptions,
    callOff: CallOff,
  ): Promise<void> {
    const position: StreamPosition = { lastEventId: undefined, retryMs: undefined }
    let failure: Error | undefined
    let next: HttpAnswer | undefined = answer
    let isAnswered = false
    let reached: string | undefined
    for (let attempt = 0; next !== undefined && attempt <= MAX_RESUMPTIONS; attempt++) {
      failure = await this.#read(next, id, position, (message) => {
        isAnswered ||= isObject(message) && message['id'] === id && !('method' in message)
      })
      if (position.lastEventId !== reached) attempt = 0
      reached = position.lastEventId
      const isOver = isAnswered || callOff.isDone || this.#closing.signal.aborted
      if (isOver || position.lastEventId === undefined) break
      next = await this.#resume(position, attempt, callOff)
    }
    onRequestStreamEnd?.(failure)
  }

  /** Gives why the stream ended, if it was not its end. */
  async #read(
    answer: HttpAnswer,
    id: unknown,
    position: StreamPosition,
    seen: (message: unknown) => void,
  ): Promise<Error | undefined> {
    try {
      await readEvents(answer, this.#access.maxMessageBytes, {
        onEvent: (event) => {
          position.lastEventId = event.id ?? position.lastEventId
          if (event.data === '' || (event.event ?? 'message') !== 'message') return
          const message = readJson(event.data)
          seen(message)
          this.#deliver(message, id)
        },
        onRetry: (ms) => {
          position.retryMs = ms
        },
      })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** Come back to a stream where it was left (2025-11-25, basic/transports, Resumability). */
  async #resume(
    { lastEventId, retryMs }: StreamPosition,
    attempt: number,
    callOff: CallOff,
  ): Promise<HttpAnswer | undefined> {
    const { signal } = this.#closing
    try {
      await backOff(attempt, signal, Math.min(retryMs ?? 0, MAX_RETRY_MS) || undefined)
      return callOff.isDone ? undefined : await this.#openStream(lastEventId, callOff)
    } catch {
      return undefined
    }
  }

  /** The stream for what answers no request (up to 2025-11-25), for as long as the session lasts. */
  async #listen(): Promise<void> {
    const position: StreamPosition = { lastEventId: undefined, retryMs: undefined }
    const { signal } = this.#closing
    let wasOpen = false
    for (let attempt = 0; !signal.aborted;) {
      try {
        const answer = await this.#openStream(position.lastEventId)
        if (answer === undefined) return
        this.#hears = true
        if (wasOpen) this.onresumed?.()
        wasOpen = true
        const begun = Date.now()
        await this.#read(answer, undefined, position, () => undefined)
        this.#hears = false
        attempt = Date.now() - begun > MAX_RETRY_MS ? 0 : attempt + 1
        await backOff(attempt, signal, Math.min(position.retryMs ?? 0, MAX_RETRY_MS) || undefined)
      } catch (error) {
        const isForgotten = error instanceof SessionForgottenError
        if (isForgotten && wasOpen) void this.close()
        attempt += 1
        if (isForgotten || attempt > MAX_RESUMPTIONS) return
        await backOff(attempt, signal).catch(() => undefined)
      }
    }
  }

  /** `undefined` where the server has no such stream. */
  async #openStream(lastEventId: string | undefined, callOff?: CallOff): Promise<HttpAnswer | undefined> {
    const fields = this.#addSessionFields(['accept', 'text/event-stream'])
    if (lastEventId !== undefined) fields.push('last-event-id', lastEventId)
    const headers = addFields(fields, this.#headers())
    const { signal } = this.#closing
    const whenCalledOff = callOff?.ends
    const answer = await this.#access.requests.send({ method: 'GET', headers, signal, whenCalledOff })
    if (answer.status === 200) return answer
    answer.discard()
    if (answer.status === 404 && this.#sessionId !== undefined) throw new SessionForgottenError()
    // The server may not have noticed yet that the last one has ended.
    if (answer.status < 500 && answer.status !== 409) return undefined
    throw statusError(answer.status, this.#access.requests.url)
  }

  async #endSession(): Promise<void> {
    try {
      const headers = addFields(this.#addSessionFields([]), this.#headers())
      const signal = AbortSignal.timeout(2000)
      const answer = await this.#access.requests.send({ method: 'DELETE', headers, signal })
      answer.discard()
    } catch {
      // It ends by itself if nobody comes any more.
    }
  }

  #deliver(message: unknown, relatedRequestId: unknown): void {
    this.onmessage?.(message as never, { relatedRequestId } as never)
  }
}

function mediaTypeOf(answer: HttpAnswer): string | undefined {
  const type = answer.header('content-type')
  return type === 'application/json' ? type : type?.split(';')[0]?.trim().toLowerCase()
}

function readJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new ConnectionError('The server sent what is no JSON', 'unknown', error)
  }
}

type RpcError = NonNullable<JsonRpcResponse['error']>

function errorIn(text: string): RpcError | undefined {
  try {
    const body = parseJson(text)
    const error = isObject(body) ? body['error'] : undefined
    return isObject(error) && typeof error['code'] === 'number' ? (error as unknown as RpcError) : undefined
  } catch {
    return undefined
  }
}
