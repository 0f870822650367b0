import type { Context } from '../components/context.js'

/**
 * Tells callers apart: by what `authenticate` returned, if it has an `id` or `sub`, else by their
 * session. `undefined` for those that are neither known nor in a session.
 */
export function callerOf({ session, sessionId }: Context): string | undefined {
  if (typeof session === 'string') return `auth ${session}`
  if (typeof session === 'object' && session !== null) {
    const { id, sub } = session as { id?: unknown; sub?: unknown }
    if (id !== undefined) return `id ${JSON.stringify(id)}`
    if (sub !== undefined) return `sub ${JSON.stringify(sub)}`
  }
  return sessionId === undefined ? undefined : `session ${sessionId}`
}
