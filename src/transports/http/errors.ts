import { ErrorCode, ProtocolError } from '../../errors.js'
import { encodeError } from '../../protocol/json-rpc.js'
import { RefusedError } from '../../sessions/authenticator.js'
import { HttpError, type HttpHeaders, type HttpResponse } from './message.js'

/** Headers of a response that only hold for how it was made. */
const OF_THE_WAY = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'transfer-encoding',
])

/** What comes as `WWW-Authenticate` with a 401 of our own, which has to name some scheme (RFC 9110, 15.5.2). */
const CHALLENGE = 'Bearer'

/** A message for people and programs that cannot become part of a conversation. */
export function sendError(response: HttpResponse, error: unknown, cors: HttpHeaders): void {
  if (error instanceof RefusedError) {
    sendRefusal(response, error, cors)
    return
  }
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

/** A `Response` of the user's is passed on as it is. */
function sendRefusal(response: HttpResponse, error: RefusedError, cors: HttpHeaders): void {
  const { status, message, response: given } = error
  if (given === undefined) {
    const headers = status === 401 ? { 'www-authenticate': CHALLENGE } : {}
    sendError(response, new HttpError(status, message, headers), cors)
    return
  }
  const headers: Record<string, string> = { ...cors }
  for (const [name, value] of given.headers) if (!OF_THE_WAY.has(name)) headers[name] = value
  // Such as that of `Response.error()`, which is none.
  const shown = status >= 200 && status <= 599 ? status : 401
  void textOf(given).then((body) => {
    response.send(shown, headers, body === '' ? undefined : body)
  })
}

/** The texts of responses that were read: one may be thrown again and again. */
const TEXTS = new WeakMap<Response, Promise<string>>()

function textOf(response: Response): Promise<string> {
  const known = TEXTS.get(response)
  if (known !== undefined) return known
  const isThere = response.body !== null && !response.bodyUsed && !response.body.locked
  const text = isThere ? response.text().catch(() => '') : Promise.resolve('')
  TEXTS.set(response, text)
  return text
}
