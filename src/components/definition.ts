/** A definition without the members that were left out, so that it can be compared and sent as it is. */
export function definitionOf<D extends object>(members: { [K in keyof D]: unknown }): D {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as D
}

export function tagsOf(tags: readonly string[] | undefined): { tags?: ReadonlySet<string> } {
  return tags === undefined || tags.length === 0 ? {} : { tags: new Set(tags) }
}

/** Say whose fault it is when a definition cannot be made. */
export function describedError<T>(label: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${label}: ${message}`, { cause: error })
  }
}

/** @throws TypeError unless `name` is something a client can ask for. */
export function checkName(label: string, name: unknown): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > 128)
    throw new TypeError(`${label} name ${JSON.stringify(name)} must be a text of 1 to 128 characters`)
}
