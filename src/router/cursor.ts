import { invalidParams } from '../errors.js'
import { textFromBase64Url, toBase64Url } from '../runtime/base64.js'

/** One page of a list, and what asks for the next. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | undefined
}

/**
 * Cut a page out of a list (server/utilities/pagination). A cursor remembers the last key
 * it gave, so that what is added or removed meanwhile shifts nothing.
 * @throws ProtocolError -32602 for a cursor that this list did not issue.
 */
export function pageOf<T>(
  list: string,
  items: readonly T[],
  keyOf: (item: T) => string,
  pageSize: number | undefined,
  cursor: string | undefined,
): Page<T> {
  if (pageSize === undefined && cursor === undefined) return { items, nextCursor: undefined }
  const start = cursor === undefined ? 0 : startOf(list, items, keyOf, cursor)
  const end = pageSize === undefined ? items.length : start + pageSize
  const page = items.slice(start, end)
  const last = page.at(-1)
  const nextCursor =
    last !== undefined && end < items.length
      ? toBase64Url(JSON.stringify([list, end, keyOf(last)]))
      : undefined
  return { items: page, nextCursor }
}

function startOf<T>(list: string, items: readonly T[], keyOf: (item: T) => string, cursor: string): number {
  const [issuedFor, position, lastKey] = readCursor(cursor)
  if (issuedFor !== list || !Number.isSafeInteger(position) || position < 1)
    throw invalidParams(`Invalid cursor for ${list}`)
  const before = items[position - 1]
  if (before !== undefined && keyOf(before) === lastKey) return position
  const moved = items.findIndex((item) => keyOf(item) === lastKey)
  return moved >= 0 ? moved + 1 : Math.min(position, items.length)
}

function readCursor(cursor: string): [list: unknown, position: number, lastKey: unknown] {
  try {
    const read: unknown = JSON.parse(textFromBase64Url(cursor) ?? '')
    if (Array.isArray(read) && read.length === 3) return read as [unknown, number, unknown]
  } catch {
    // What is no cursor of ours is refused below, whatever it is.
  }
  return [undefined, 0, undefined]
}
