import { invalidRequest } from '../../errors.js'
import { parseJson, readMessage } from '../../protocol/json-rpc.js'
import type { Sessions } from '../../sessions/sessions.js'
import { sharedReply } from '../connection.js'
import { HttpError, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import { checkContentType, refuseIfFull } from './negotiation.js'
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
  readonly #replies = new Map<string, ReturnType<typeof sharedReply>>()

  constructor(sessions: Sessions, maxBodyBytes: number) {
    this.#sessions = sessions
    this.#maxBodyBytes = maxBodyBytes
  }

  /** Open the stream, and with it a session that lasts as long. */
  open(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    if (request.method !== 'GET') throw new HttpError(405, 'The stream is opened with GET', { allow: 'GET' })
    refuseIfFull(this.#sessions)
    const session = this.#sessions.prepare('sse')
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
  }

  /** Take a message. Whatever answers it comes on the stream. */
  async take(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): Promise<void> {
    if (request.method !== 'POST') throw new HttpError(405, 'Messages are sent with POST', { allow: 'POST' })
    checkContentType(request.headers)
    const id = new URLSearchParams(request.query).get('sessionId') ?? ''
    if (this.#sessions.get(id, 'sse') === undefined) throw noSession()
    const payload = request.parsed ?? parseJson(await request.text(this.#maxBodyBytes))
    const session = this.#sessions.get(id, 'sse')
    const reply = this.#replies.get(id)
    if (session === undefined || reply === undefined) throw noSession()
    const incoming = readMessage(payload)
    if (incoming.kind === 'invalid' && !Array.isArray(payload)) throw invalidRequest(incoming.problem)
    session.receive(payload, reply, { headers: request.headers })
    response.send(202, { 'content-type': 'text/plain', ...cors }, 'Accepted')
  }
}

function noSession(): HttpError {
  return new HttpError(404, 'There is no such session, or not any more')
}

/** Beside the stream, under whatever prefix that was reached. */
function messagesPath({ originalPath }: HttpRequest): string {
  return `${originalPath.slice(0, originalPath.lastIndexOf('/'))}${MESSAGES_PATH}`
}
