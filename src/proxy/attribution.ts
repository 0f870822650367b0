import type { RelaySession } from '../components/context.js'

/** The users of a connection to an upstream server. */
export type Ownership =
  /** Several callers, at once or in turn. */
  | 'shared'
  /** One caller, one call at a time. */
  | 'exclusive'
  /** One session of a client. */
  | { readonly session: RelaySession }

/** The receiver of a message; `undefined`: nobody. */
export type Recipient<Call> = { readonly call: Call } | { readonly session: RelaySession } | undefined

/**
 * Decides who gets a message that came in over a connection to an upstream server.
 *
 * 1. A message that names a request goes to it. If that request is over, it goes to nobody.
 * 2. An unnamed message on a connection that one caller uses goes to its only running call, else to its session.
 * 3. An unnamed message on a connection that several callers use goes to nobody.
 *
 * @param about the request that the message names, or `REQUEST_IS_OVER`; `undefined` for an unnamed message
 * @param ownership who uses the connection
 * @param calls the calls that run on the connection
 */
export function attribute<Call extends object>(
  about: unknown,
  ownership: Ownership,
  calls: readonly Call[],
): Recipient<Call> {
  if (about !== undefined) {
    const named = calls.find((call) => call === about)
    return named && { call: named }
  }
  if (ownership === 'shared') return undefined
  const [only] = calls
  if (only !== undefined && calls.length === 1) return { call: only }
  return ownership === 'exclusive' ? undefined : ownership
}
