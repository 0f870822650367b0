import { requestHeaders, type AuthRequest } from '../../sessions/authenticator.js'
import type { TransportName } from '../../sessions/client-session.js'
import type { HttpRequest } from './message.js'

/** An HTTP request as `authenticate` gets it. */
export function authRequest(
  { method, headers, originalPath, query }: HttpRequest,
  transport: TransportName,
): AuthRequest {
  return {
    transport,
    method,
    url: query === '' ? originalPath : `${originalPath}?${query}`,
    headers: requestHeaders(headers),
  }
}
