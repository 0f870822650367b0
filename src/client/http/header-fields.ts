/** The header fields of a request: a name, its value, another name, … Names are in lower case, and each stands once. */
export type HeaderFields = readonly string[]

/** Put more fields behind those that are there already, which count. */
export function addFields(
  fields: string[],
  more: Readonly<Record<string, string | undefined>> | undefined,
): string[] {
  for (const given in more) {
    const name = given.toLowerCase()
    const value = more[given]
    if (value !== undefined && !hasField(fields, name)) fields.push(name, value)
  }
  return fields
}

export function hasField(fields: HeaderFields, name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return true
  return false
}
