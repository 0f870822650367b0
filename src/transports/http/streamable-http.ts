import { invalidRequest } from '../../errors.js'
import { encodeError, parseJson, readMessage, type JsonRpcRequest } from '../../protocol/json-rpc.js'
import type { JsonObject } from '../../protocol/types.js'
import type { Session } from '../../sessions/session.js'
import type { Sessions } from '../../sessions/sessions.js'
import type { RequestFacts } from '../../sessions/sinks.js'
import { EventMemory } from './event-log.js'
import { StoredEventLog, type EventStore } from './event-store.js'
import { EventStreams, type EventStream } from './event-streams.js'
import { HttpError, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import {
  checkContentType,
  checkVersion,
  isAlone,
  isInitialize,
  readAccept,
  refuseIfFull,
  refuseInEra2026,
  versionOf,
} from './negotiation.js'
import { PostReply, type Accepts } from './post-reply.js'
import type { Rechecks } from './rechecks.js'
import { EVENT_STREAM, frame } from './sse.js'
import { findMismatch } from './standard-headers.js'

/** From this revision on, streams begin with an event to resume from (2025-11-25, SEP-1699). */
const FIRST_PRIMED = '2025-11-25'

interface StreamableHttpOptions {
  readonly maxBodyBytes: number
  /** Clients up to 2025-11-25 get no sessions: each of their requests stands alone. */
  readonly stateless: boolean
  /** `false`: streams that were cut cannot be resumed. */
  readonly eventStore: EventStore | false | undefined
  /** There where clients have to say who they are. */
  readonly rechecks: Rechecks | undefined
}

/** The MCP endpoint: every protocol revision over one URL (basic/transports, Streamable HTTP). */
export class StreamableHttp {
  readonly #sessions: Sessions
  readonly #options: StreamableHttpOptions
  readonly #memory = new EventMemory()
  readonly #streams = new WeakMap<Session, EventStreams>()

  constructor(sessions: Sessions, options: StreamableHttpOptions) {
    this.#sessions = sessions
    this.#options = options
  }

  /** @throws HttpError for what never becomes a message. */
  handle(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> | undefined {
    switch (request.method) {
      case 'POST':
        return this.#post(request, response, cors)
      case 'GET':
        return this.#listen(request, response, cors)
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
    const payload = request.parsed ?? parseJson(await request.text(this.#options.maxBodyBytes))
    if (isAlone(headers, payload)) this.#answerAlone(payload, request, response, accepts, cors)
    else this.#answerInSession(payload, request, response, accepts, cors)
  }

  /** From 2026-07-28 on: each request stands alone, and ends when its client goes. */
  #answerAlone(
    payload: JsonObject,
    request: HttpRequest,
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
      this.#answerRequest(incoming.message, request, response, reply)
    } else reply.accept()
  }

  #answerRequest(
    message: JsonRpcRequest,
    request: HttpRequest,
    response: HttpResponse,
    reply: PostReply,
  ): void {
    const mismatch = findMismatch(request.headers, message)
    if (mismatch !== undefined) {
      reply.end(encodeError(message.id, mismatch), 400)
      return
    }
    const requests = this.#sessions.alone()
    requests.answerAlone(message, reply, factsOf(request))
    response.onGone(() => {
      requests.cancelAll('the client has gone')
    })
    this.#options.rechecks?.watch({
      request,
      response,
      end: () => {
        requests.cancelAll('its client is refused now')
      },
    })
  }

  /** Up to 2025-11-25: within the session that `initialize` opens; a client that goes may come back. */
  #answerInSession(
    payload: unknown,
    request: HttpRequest,
    response: HttpResponse,
    accepts: Accepts,
    cors: HttpHeaders,
  ): void {
    const { headers } = request
    checkVersion(headers)
    const reply = new PostReply(response, accepts, cors)
    if (this.#options.stateless) {
      const session = this.#sessions.passing(versionOf(headers))
      session.receive(payload, reply, factsOf(request))
      response.onGone(() => {
        session.end('connection closed')
      })
    } else if (headers['mcp-session-id'] === undefined && isInitialize(payload))
      this.#open(payload, request, response, reply)
    else {
      const session = this.#find(request)
      if (this.#options.eventStore !== false)
        reply.onStream = (begun, head) => this.#streamsOf(session).begin(begun, head)
      session.receive(payload, reply, factsOf(request))
      this.#recheck(request, response)
    }
  }

  #open(payload: unknown, request: HttpRequest, response: HttpResponse, reply: PostReply): void {
    refuseIfFull(this.#sessions, request.credentials.principal)
    const session = this.#sessions.prepare('httpStream', request.credentials.principal)
    // It has its place from now on: what is behind a proxy may have to say something first.
    this.#sessions.keep(session)
    reply.onBegin = () => {
      if (session.isOpen) reply.addHeader('mcp-session-id', session.id)
      else session.end('connection closed')
    }
    // Who goes before he is told its id cannot come back to it.
    response.onGone(() => {
      session.end('connection closed')
    })
    session.receive(payload, reply, factsOf(request))
  }

  /** The stream on which a 2025 client hears what answers no request, or one that was cut and goes on. */
  #listen(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> | undefined {
    const { headers } = request
    this.#refuseStateless()
    refuseInEra2026(headers)
    if (!readAccept(headers['accept']).stream) throw new HttpError(406, 'A GET must accept text/event-stream')
    checkVersion(headers)
    const session = this.#find(request)
    const lastEventId = headers['last-event-id']
    if (lastEventId !== undefined && this.#options.eventStore !== false)
      return this.#resume(session, lastEventId, response, cors).then(() => {
        this.#recheck(request, response)
      })
    if (session.isListening) throw new HttpError(409, 'This session has its stream already')
    if (this.#options.eventStore === false) this.#listenOnce(session, response, cors)
    else attach(session, this.#streamsOf(session).beginPush(response, cors), response)
    this.#recheck(request, response)
    return undefined
  }

  async #resume(
    session: Session,
    lastEventId: string,
    response: HttpResponse,
    cors: HttpHeaders,
  ): Promise<void> {
    const resumed = await this.#streamsOf(session).resume(lastEventId, response, cors)
    if (resumed === undefined)
      throw new HttpError(400, 'This session has no such event, or has forgotten what came after it')
    if (resumed.push !== undefined) attach(session, resumed.push, response)
  }

  /** A stream must not outlive what its client was let in for; its session may, who comes with it is asked anew. */
  #recheck(request: HttpRequest, response: HttpResponse): void {
    this.#options.rechecks?.watch({
      request,
      response,
      end: () => {
        response.cut()
      },
    })
  }

  #listenOnce(session: Session, response: HttpResponse, cors: HttpHeaders): void {
    response.beginStream({ ...EVENT_STREAM, ...cors })
    const detach = session.attach({
      send: (message) => response.write(frame(message)),
      close: () => {
        response.endStream()
      },
    })
    response.onGone(detach)
  }

  #end(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    this.#refuseStateless()
    refuseInEra2026(request.headers)
    this.#find(request).end('client ended the session')
    response.send(204, cors)
  }

  #refuseStateless(): void {
    if (this.#options.stateless)
      throw new HttpError(405, 'This server keeps no sessions: it takes POST only', { allow: 'POST' })
  }

  /** To anybody but who opened it a session is not there. */
  #find({ headers, credentials }: HttpRequest): Session {
    const id = headers['mcp-session-id']
    if (id === undefined) throw new HttpError(400, 'Header Mcp-Session-Id is missing')
    const session = this.#sessions.get(id, 'httpStream')
    if (session === undefined || session.owner !== credentials.principal)
      throw new HttpError(404, 'There is no such session, or not any more')
    return session
  }

  #streamsOf(session: Session): EventStreams {
    const known = this.#streams.get(session)
    if (known !== undefined) return known
    const { eventStore } = this.#options
    const log = eventStore ? new StoredEventLog(eventStore, session.id) : this.#memory.log()
    const streams = new EventStreams(log, (session.protocolVersion ?? '') >= FIRST_PRIMED)
    this.#streams.set(session, streams)
    session.whenEnded(() => {
      streams.clear()
    })
    return streams
  }
}

function attach(session: Session, stream: EventStream, response: HttpResponse): void {
  response.onGone(session.attach(stream.toPush()))
}

function factsOf({ headers, credentials }: HttpRequest): RequestFacts {
  return { headers, credentials }
}
