import { invalidParams } from '../errors.js'
import type { JsonObject } from '../protocol/types.js'

/** How many pages of a list are read, and how many components. */
const MAX_PAGES = 1000
const MAX_COMPONENTS = 100_000

/**
 * All pages of a list.
 * @throws ProtocolError where it does not end.
 */
export async function readPages(
  items: string,
  read: (page: JsonObject) => Promise<JsonObject>,
): Promise<unknown[]> {
  const all: unknown[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await read(typeof cursor === 'string' ? { cursor } : {})
    const { [items]: listed, nextCursor } = result
    if (Array.isArray(listed)) for (const item of listed) all.push(item)
    if (typeof nextCursor !== 'string') return all
    if (nextCursor === cursor || all.length > MAX_COMPONENTS) break
    cursor = nextCursor
  }
  throw invalidParams(`The list of ${items} does not end`)
}
