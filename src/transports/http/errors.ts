import { ErrorCode, ProtocolError } from '../../errors.js'
import { encodeError } from '../../protocol/json-rpc.js'
import { RefusedError } from '../../sessions/authenticator.js'
import { HttpError, type HttpHeaders, type HttpResponse } from './message.js'

/** Headers of a response that only hold for how it was made. */
const OF_THE_WAY = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive'])

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
  const { status, message, challenge, response: given } = error
  if (given === undefined) {
    const headers = status === 401 ? { 'www-authenticate': challenge } : {}
    sendError(response, new HttpError(status, message, headers), cors)
    return
  }
  const headers: Record<string, string> = { ...cors }
  for (const [name, value] of given.headers) if (!OF_THE_WAY.has(name)) headers[name] = value
  const send = (body: string): void => {
    response.send(status, headers, body === '' ? undefined : body)
  }
  // One that was given before has been read before.
  if (given.bodyUsed || given.body === null) send('')
  else
    given
      .clone()
      .text()
      .then(send, () => {
        send('')
      })
}
