import { headerMismatch } from '../errors.js'
import { textFromBase64, toBase64 } from '../runtime/base64.js'
import { isObject } from './json-rpc.js'
import type { JsonObject, JsonSchema } from './types.js'

/**
 * An argument that HTTP clients repeat in a header `Mcp-Param-<name>`, so that what stands
 * between them and the server can route by it (2026-07-28, server/tools, `x-mcp-header`).
 */
export interface MirroredHeader {
  /** As annotated, without `Mcp-Param-`. */
  readonly name: string
  /** Where the argument is, from the root of the arguments. */
  readonly path: readonly string[]
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const MIRRORABLE = new Set(['string', 'integer', 'boolean'])

/**
 * Find what a tool's input schema asks to be mirrored.
 * @throws TypeError where the annotation may not stand: on other than a string, integer or
 * boolean, with a name that is no HTTP token, or twice for one header.
 */
export function mirroredHeadersOf(schema: JsonSchema): MirroredHeader[] {
  const found: MirroredHeader[] = []
  collect(schema, [], found)
  const names = found.map(({ name }) => name.toLowerCase())
  if (new Set(names).size !== names.length) throw new TypeError('x-mcp-header names one header twice')
  return found
}

function collect(schema: JsonSchema, path: readonly string[], found: MirroredHeader[]): void {
  const { properties } = schema
  if (!isObject(properties)) return
  for (const [key, property] of Object.entries(properties)) {
    if (!isObject(property)) continue
    const here = [...path, key]
    const name = property['x-mcp-header']
    if (name !== undefined) found.push({ name: checked(name, property, here), path: here })
    collect(property, here, found)
  }
}

function checked(name: unknown, property: JsonSchema, path: readonly string[]): string {
  const where = path.join('.')
  if (typeof name !== 'string' || !TOKEN.test(name))
    throw new TypeError(`x-mcp-header of "${where}" must be an HTTP header token`)
  if (!MIRRORABLE.has(String(property['type'])))
    throw new TypeError(`x-mcp-header of "${where}" may only stand on a string, an integer or a boolean`)
  return name
}

/**
 * Compare what a client put in headers with the arguments they repeat. An argument that is
 * absent or `null` has no header to be compared with.
 * @throws ProtocolError -32020 where a header is missing, unreadable or says something else.
 */
export function checkMirroredHeaders(
  mirrored: readonly MirroredHeader[],
  args: JsonObject,
  headers: Readonly<Record<string, string>>,
): void {
  for (const { name, path } of mirrored) {
    const value = valueAt(args, path)
    if (value === undefined || value === null) continue
    const header = `Mcp-Param-${name}`
    const given = headers[header.toLowerCase()]
    if (given === undefined)
      throw headerMismatch(`Header ${header} is missing; argument ${path.join('.')} needs it`)
    const decoded = decodeHeaderValue(given)
    if (decoded === undefined) throw headerMismatch(`Header ${header} is not valid Base64 of UTF-8`)
    if (!isSame(decoded, value))
      throw headerMismatch(`Header ${header} and argument ${path.join('.')} differ`)
  }
}

/** The headers that repeat arguments, for a client to send: none for what is absent or `null`. */
export function mirror(mirrored: readonly MirroredHeader[], args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { name, path } of mirrored) {
    const value = valueAt(args, path)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      headers[`Mcp-Param-${name}`] = encodeHeaderValue(String(value))
  }
  return headers
}

function valueAt(args: JsonObject, path: readonly string[]): unknown {
  let here: unknown = args
  for (const key of path) here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined
  return here
}

function isSame(text: string, value: unknown): boolean {
  if (typeof value === 'number') return text.trim() !== '' && Number(text) === value
  return text === (typeof value === 'boolean' ? String(value) : value)
}

/** Visible ASCII, with spaces and tabs within. */
const PLAIN_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/

/** A text as it can stand in a header: as it is, or `=?base64?…?=` (2026-07-28, basic/transports/streamable-http). */
export function encodeHeaderValue(text: string): string {
  if (PLAIN_VALUE.test(text) && !BASE64_VALUE.test(text)) return text
  return `=?base64?${toBase64(new TextEncoder().encode(text))}?=`
}

const BASE64_VALUE = /^=\?base64\?(.*)\?=$/s

/** The text in a header value that may be `=?base64?…?=`; `undefined` where that is not well-formed. */
export function decodeHeaderValue(value: string): string | undefined {
  const trimmed = value.trim()
  const encoded = BASE64_VALUE.exec(trimmed)?.[1]
  return encoded === undefined ? trimmed : textFromBase64(encoded)
}
