import { ErrorCode, invalidRequest, ProtocolError } from '../../errors.js'
import { claimsOwnRevision, REVISIONS_2025, REVISIONS_2026 } from '../../protocol/era.js'
import {
  encodeError,
  isObject,
  parseJson,
  readMessage,
  type JsonRpcRequest,
} from '../../protocol/json-rpc.js'
import type { JsonObject } from '../../protocol/types.js'
import type { Session } from '../../sessions/session.js'
import type { Sessions } from '../../sessions/sessions.js'
import { HttpError, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import { JSON_TYPE, PostReply, type Accepts } from './post-reply.js'
import { EVENT_STREAM, frame } from './sse.js'
import { findMismatch } from './standard-headers.js'

const VERSIONS_2025: ReadonlySet<string> = new Set(REVISIONS_2025)
const VERSIONS_2026: ReadonlySet<string> = new Set(REVISIONS_2026)

/** The MCP endpoint: every protocol revision over one URL (basic/transports, Streamable HTTP). */
export class StreamableHttp {
  readonly #sessions: Sessions
  readonly #maxBodyBytes: number

  constructor(sessions: Sessions, maxBodyBytes: number) {
    this.#sessions = sessions
    this.#maxBodyBytes = maxBodyBytes
  }

  /** @throws HttpError for what never becomes a message. */
  handle(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> | undefined {
    switch (request.method) {
      case 'POST':
        return this.#post(request, response, cors)
      case 'GET':
        this.#listen(request, response, cors)
        return undefined
      case 'DELETE':
        this.#end(request, response, cors)
        return undefined
      default:
        throw new HttpError(405, `${request.method} is not for this endpoint`, { allow: 'GET, POST, DELETE' })
    }
  }

  async #post(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> {
    const { headers } = request
    checkContentType(headers)
    const accepts = readAccept(headers['accept'])
    const payload = parseJson(await request.text(this.#maxBodyBytes))
    if (isAlone(headers, payload)) this.#answerAlone(payload, request, response, accepts, cors)
    else this.#answerInSession(payload, request, response, accepts, cors)
  }

  /** From 2026-07-28 on: each request stands alone, and ends when its client goes. */
  #answerAlone(
    payload: JsonObject,
    { headers }: HttpRequest,
    response: HttpResponse,
    accepts: Accepts,
    cors: HttpHeaders,
  ): void {
    const reply = new PostReply(response, accepts, cors)
    const incoming = readMessage(payload)
    if (incoming.kind === 'invalid')
      reply.end(encodeError(incoming.id, invalidRequest(`Invalid message: ${incoming.problem}`)), 400)
    else if (incoming.kind === 'request') {
      if (incoming.message.method === 'subscriptions/listen' && !accepts.stream)
        throw new HttpError(406, 'subscriptions/listen is answered with a stream only')
      this.#answerRequest(incoming.message, headers, response, reply)
    } else reply.accept()
  }

  #answerRequest(
    request: JsonRpcRequest,
    headers: HttpHeaders,
    response: HttpResponse,
    reply: PostReply,
  ): void {
    const mismatch = findMismatch(headers, request)
    if (mismatch !== undefined) {
      reply.end(encodeError(request.id, mismatch), 400)
      return
    }
    const requests = this.#sessions.alone()
    requests.answerAlone(request, reply, { headers })
    response.onGone(() => {
      requests.cancelAll('the client has gone')
    })
  }

  /** Up to 2025-11-25: within the session that `initialize` opens; a client that goes may come back. */
  #answerInSession(
    payload: unknown,
    { headers }: HttpRequest,
    response: HttpResponse,
    accepts: Accepts,
    cors: HttpHeaders,
  ): void {
    checkVersion(headers)
    if (headers['mcp-session-id'] === undefined && isInitialize(payload)) {
      this.#open(payload, headers, response, accepts, cors)
      return
    }
    this.#find(headers).receive(payload, new PostReply(response, accepts, cors), { headers })
  }

  #open(
    payload: unknown,
    headers: HttpHeaders,
    response: HttpResponse,
    accepts: Accepts,
    cors: HttpHeaders,
  ): void {
    if (this.#sessions.isFull)
      throw new HttpError(503, 'There are too many sessions', { 'retry-after': '60' })
    const session = this.#sessions.prepare()
    const reply = new PostReply(response, accepts, cors)
    // It is answered at once, so that the session is open, or not, before the answer begins.
    reply.onBegin = () => {
      if (!session.isOpen) return
      this.#sessions.keep(session)
      reply.addHeader('mcp-session-id', session.id as string)
    }
    session.receive(payload, reply, { headers })
  }

  /** The stream on which a 2025 client hears what answers no request. */
  #listen({ headers }: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    refuseInEra2026(headers)
    if (!readAccept(headers['accept']).stream) throw new HttpError(406, 'A GET must accept text/event-stream')
    checkVersion(headers)
    const session = this.#find(headers)
    if (session.isListening) throw new HttpError(409, 'This session has its stream already')
    response.beginStream({ ...EVENT_STREAM, ...cors })
    const detach = session.attach({
      send: (message) => response.write(frame(message)),
      close: () => {
        response.endStream()
      },
    })
    response.onGone(detach)
  }

  #end({ headers }: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    refuseInEra2026(headers)
    this.#sessions.end(this.#find(headers))
    response.send(204, cors)
  }

  #find(headers: HttpHeaders): Session {
    const id = headers['mcp-session-id']
    if (id === undefined) throw new HttpError(400, 'Header Mcp-Session-Id is missing')
    const session = this.#sessions.get(id)
    if (session === undefined) throw new HttpError(404, 'There is no such session, or not any more')
    return session
  }
}

/** A message for people and programs that cannot become part of a conversation. */
export function sendError(response: HttpResponse, error: unknown, cors: HttpHeaders): void {
  const isHttp = error instanceof HttpError
  const status = isHttp ? error.status : error instanceof ProtocolError ? 400 : 500
  const shown =
    error instanceof ProtocolError
      ? error
      : new ProtocolError(
          isHttp ? ErrorCode.InvalidRequest : ErrorCode.InternalError,
          isHttp ? error.message : 'Internal error',
        )
  const headers = { 'content-type': 'application/json', ...cors, ...(isHttp ? error.headers : {}) }
  response.send(status, headers, encodeError(undefined, shown))
}

function isAlone(headers: HttpHeaders, payload: unknown): payload is JsonObject {
  if (!isObject(payload)) return false
  const { params } = payload
  if (isObject(params) && claimsOwnRevision(params)) return true
  const version = headers['mcp-protocol-version']
  return version !== undefined && VERSIONS_2026.has(version.trim())
}

function isInitialize(payload: unknown): boolean {
  return isObject(payload) && payload['method'] === 'initialize' && payload['id'] !== undefined
}

/** A header may name another revision than `initialize` settled on, if it is one spoken here. */
function checkVersion(headers: HttpHeaders): void {
  const version = headers['mcp-protocol-version']
  if (version !== undefined && !VERSIONS_2025.has(version.trim()))
    throw new HttpError(
      400,
      `Protocol version ${JSON.stringify(version)} is not one of ${REVISIONS_2025.join(', ')}`,
    )
}

function refuseInEra2026(headers: HttpHeaders): void {
  const version = headers['mcp-protocol-version']
  if (version !== undefined && VERSIONS_2026.has(version.trim()))
    throw new HttpError(405, `In ${version.trim()} this endpoint takes POST only`, { allow: 'POST' })
}

function checkContentType(headers: HttpHeaders): void {
  const given = headers['content-type']
  const type = given === JSON_TYPE ? given : given?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== JSON_TYPE) throw new HttpError(415, `Content-Type must be ${JSON_TYPE}`)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new HttpError(415, `Content-Encoding ${JSON.stringify(encoding)} is not read here`)
}

const ANY: Accepts = { json: true, stream: true }

function readAccept(accept: string | undefined): Accepts {
  if (accept === undefined || accept === '*/*' || accept === 'application/json, text/event-stream') return ANY
  const types = accept
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range))
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase())
  const json = types.some((type) => type === 'application/json' || type === 'application/*' || type === '*/*')
  const stream = types.some((type) => type === 'text/event-stream' || type === 'text/*' || type === '*/*')
  if (!json && !stream) throw new HttpError(406, 'Accept must name application/json or text/event-stream')
  return { json, stream }
}
