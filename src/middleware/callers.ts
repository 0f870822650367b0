import { relayOf, type Context } from '../components/context.js'
import { principalOf } from '../sessions/principal.js'

/**
 * Tells apart what callers may know: by all that `authenticate` returned, so that nothing crosses
 * to who has been granted less by then, or by their session.
 */
export function viewerOf(context: Context): string | undefined {
  const { principal, auth } = relayOf(context).caller
  if (principal === undefined) return callerOf(context)
  try {
    return `viewer ${principal} ${principalOf(auth)}`
  } catch {
    // It cannot be said whether he may as much as before.
    return undefined
  }
}

/**
 * Tells callers apart: by what `authenticate` returned, by its `id` or `sub` if it has one, else by their
 * session. `undefined` for those that are neither known nor in a session.
 */
export function callerOf(context: Context): string | undefined {
  const { session, sessionId } = context
  if (typeof session === 'string') return `auth ${session}`
  if (typeof session === 'object' && session !== null) {
    const { id, sub } = session as { id?: unknown; sub?: unknown }
    if (id !== undefined) return `id ${JSON.stringify(id)}`
    if (sub !== undefined) return `sub ${JSON.stringify(sub)}`
  }
  const { principal } = relayOf(context).caller
  if (principal !== undefined) return `principal ${principal}`
  return sessionId === undefined ? undefined : `session ${sessionId}`
}
