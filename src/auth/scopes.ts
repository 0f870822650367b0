/** Which scopes hold others: `{ admin: ['write'], write: ['read'] }`. */
export type ScopeHierarchy = Readonly<Record<string, readonly string[]>>

/** All that somebody may who has been granted some scopes. */
export function allOf(granted: readonly string[], hierarchy: ScopeHierarchy): ReadonlySet<string> {
  const all = new Set(granted)
  // What is added meanwhile is gone through as well.
  for (const scope of all) {
    const held = Object.hasOwn(hierarchy, scope) ? hierarchy[scope] : undefined
    for (const each of held ?? []) all.add(each)
  }
  return all
}
