import type { Context } from '../components/context.js'

/**
 * Tells callers apart: by what `authenticate` returned, if it has an `id` or `sub`, else by their
 * session. `undefined` for those that are neither known nor in a session.
 */
export function callerOf({ session, sessionId }: Context): string | undefined {
  if (typeof session === 'string') return `auth ${session}`
  if (typeof session === 'object' && session !== null) {
    const { id, sub } = session as { id?: unknown; sub?: unknown }
    const known = id ?? sub
    if (typeof known === 'string' || typeof known === 'number') return `auth ${known}`
  }
  return sessionId === undefined ? undefined : `session ${sessionId}`
}
