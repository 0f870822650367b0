/**
 * Tells callers apart by all that is known of them, as JSON.
 * @throws TypeError for what JSON does not tell apart: a `Map`, a class with private members, a function.
 */
export function principalOf(auth: unknown): string {
  refuseOpaque(auth, 0)
  return JSON.stringify(auth)
}

/** How deep what `authenticate` gives may be. */
const MAX_DEPTH = 32

function refuseOpaque(value: unknown, depth: number): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return
  // A member that is not there is one that is not there.
  if (value === undefined && depth > 0) return
  if (typeof value !== 'object' || depth > MAX_DEPTH)
    throw new TypeError(`JSON does not tell a ${typeof value} apart`)
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value))
    throw new TypeError('JSON does not tell objects of a class apart')
  for (const member of Object.values(value)) refuseOpaque(member, depth + 1)
}
