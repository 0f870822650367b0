import { invalidRequest } from '../../errors.js'
import { parseJson, readMessage } from '../../protocol/json-rpc.js'
import type { Session } from '../../sessions/session.js'
import type { Sessions } from '../../sessions/sessions.js'
import { sharedReply } from '../connection.js'
import { HttpError, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import { checkContentType, refuseIfFull } from './negotiation.js'
import type { Rechecks } from './rechecks.js'
import { EVENT_STREAM, frame } from './sse.js'

/** Where clients open the stream, and where they send messages to. */
export const SSE_PATH = '/sse'
export const MESSAGES_PATH = '/messages'

/**
 * HTTP+SSE, the transport of 2024-11-05: one stream for all that the server says, opened
 * first, and a second path that takes what the client says (2024-11-05, basic/transports).
 */
export class SseTransport {
  readonly #sessions: Sessions
  readonly #maxBodyBytes: number
  readonly #rechecks: Rechecks | undefined
  readonly #replies = new Map<string, ReturnType<typeof sharedReply>>()

  constructor(sessions: Sessions, maxBodyBytes: number, rechecks: Rechecks | undefined) {
    this.#sessions = sessions
    this.#rechecks = rechecks
    this.#maxBodyBytes = maxBodyBytes
  }

  /** Open the stream, and with it a session that lasts as long. */
  open(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    if (request.method !== 'GET') throw new HttpError(405, 'The stream is opened with GET', { allow: 'GET' })
    refuseIfFull(this.#sessions, request.credentials.principal)
    const session = this.#sessions.prepare('sse', request.credentials.principal)
    const send = (message: string): void | Promise<void> => response.write(frame(message))
    response.beginStream({ ...EVENT_STREAM, ...cors })
    void response.write(`event: endpoint\ndata: ${messagesPath(request)}?sessionId=${session.id}\n\n`)
    this.#sessions.keep(session)
    this.#replies.set(session.id, sharedReply(send))
    session.whenEnded(() => this.#replies.delete(session.id))
    session.attach({
      send,
      close: () => {
        response.endStream()
      },
    })
    response.onGone(() => {
      session.end('connection closed')
    })
    // The stream is the session.
    this.#rechecks?.watch({
      request,
      response,
      transport: 'sse',
      end: () => {
        session.end('refused')
      },
      sessionId: session.id,
    })
  }

  /** Take a message. Whatever answers it comes on the stream. */
  async take(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> {
    if (request.method !== 'POST') throw new HttpError(405, 'Messages are sent with POST', { allow: 'POST' })
    checkContentType(request.headers)
    const id = new URLSearchParams(request.query).get('sessionId') ?? ''
    this.#find(id, request)
    const payload = request.parsed ?? parseJson(await request.text(this.#maxBodyBytes))
    const session = this.#find(id, request)
    const reply = this.#replies.get(id)
    if (reply === undefined) throw noSession()
    const incoming = readMessage(payload)
    if (incoming.kind === 'invalid' && !Array.isArray(payload)) throw invalidRequest(incoming.problem)
    const { headers, credentials } = request
    session.receive(payload, reply, { headers, credentials })
    response.send(202, { 'content-type': 'text/plain', ...cors }, 'Accepted')
  }

  /** To anybody but who opened it a session is not there. */
  #find(id: string, { credentials }: HttpRequest): Session {
    const session = this.#sessions.get(id, 'sse')
    if (session === undefined || session.owner !== credentials.principal) throw noSession()
    return session
  }
}

function noSession(): HttpError {
  return new HttpError(404, 'There is no such session, or not any more')
}

/** Beside the stream, under whatever prefix that was reached. */
function messagesPath({ originalPath }: HttpRequest): string {
  return `${originalPath.slice(0, originalPath.lastIndexOf('/'))}${MESSAGES_PATH}`
}
