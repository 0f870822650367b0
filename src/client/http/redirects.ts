import { HttpStatusError } from '../../errors.js'
import type { ResponseHead } from './http-client.js'

/** How many redirects one request follows. */
const MAX_REDIRECTS = 5

/** Whether a response redirects its request (RFC 9110, section 15.4). */
export function isRedirect({ status }: ResponseHead): boolean {
  return status >= 300 && status < 400 && status !== 304
}

/**
 * Returns the target of the `count`th redirect of one request, the first being 1. Only redirects that keep the
 * method, the body and the origin are followed: no other server gets to see a request that may hold secrets.
 * @throws HttpStatusError that names the origin of any other target.
 */
export function redirectTarget(head: ResponseHead, from: URL, method: string, count: number): URL {
  const { status } = head
  const location = head.header('location')
  const to = location === undefined ? undefined : resolveUrl(location, from)
  const keepsRequest = status === 307 || status === 308 || (method === 'GET' && status !== 300)
  if (to?.origin === from.origin && keepsRequest && count <= MAX_REDIRECTS) return to
  // With 303 the result of a request that has run is elsewhere (RFC 9110, section 15.4.4).
  const outcome = status === 303 ? 'unknown' : 'not begun'
  throw new HttpStatusError(
    status,
    `${from.origin} redirects ${problemWith(from, to, status, count)}`,
    outcome,
  )
}

function problemWith(from: URL, to: URL | undefined, status: number, count: number): string {
  if (to === undefined) return 'without a target'
  if (to.origin !== from.origin) return `to another origin, ${to.origin}: use its URL if it is trusted`
  if (count > MAX_REDIRECTS) return `more than ${MAX_REDIRECTS} times`
  return `with HTTP status ${status}, which does not keep the request`
}

/** Returns a URL that a server gave, without credentials, or `undefined` for what is none. */
export function resolveUrl(text: string, base: URL): URL | undefined {
  if (!URL.canParse(text, base)) return undefined
  const url = new URL(text, base)
  url.username = url.password = url.hash = ''
  return url
}
