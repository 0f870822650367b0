import { META } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import type { CallToolResult, JsonObject } from '../protocol/types.js'

/** What a tool gave. */
export interface ToolCallResult<Data = unknown> extends CallToolResult {
  /** The structured content, as the tool returned it; where there is none, the text of the content. */
  readonly data: Data
}

/** What a result says of the connection it came over, and to nobody behind it. */
const OF_CONNECTION = new Set(['resultType', 'ttlMs', 'cacheScope'])

/** A result without what only concerned the connection it came over. */
export function bare(result: JsonObject): JsonObject {
  const { _meta: meta } = result
  const isStamped = isObject(meta) && META.serverInfo in meta
  const kept = without(result, (key) => OF_CONNECTION.has(key) || (isStamped && key === '_meta'))
  if (!isStamped) return kept
  const rest = without(meta, (key) => key === META.serverInfo)
  return Object.keys(rest).length === 0 ? kept : { ...kept, _meta: rest }
}

/** The same object, where there is nothing to leave out. */
function without(object: JsonObject, isLeftOut: (key: string) => boolean): JsonObject {
  const keys = Object.keys(object)
  if (!keys.some(isLeftOut)) return object
  const kept: Record<string, unknown> = {}
  for (const key of keys) {
    if (isLeftOut(key)) continue
    if (key === '__proto__') Object.defineProperty(kept, key, { value: object[key], enumerable: true })
    else kept[key] = object[key]
  }
  return kept
}

export function toolCallResult(result: JsonObject): ToolCallResult {
  const given: unknown[] = Array.isArray(result['content']) ? result['content'] : []
  const content = given.filter(isObject) as unknown as CallToolResult['content']
  const { structuredContent } = result
  const data =
    structuredContent === undefined ? textOf(content) : unwrapped(structuredContent, result['_meta'])
  return { ...bare(result), content, data }
}

/** Up to 2025-11-25 what is no object travels as `{ result: … }`, and says so. */
function unwrapped(value: unknown, meta: unknown): unknown {
  const facts = isObject(meta) ? meta['fastmcp'] : undefined
  const isWrapped = isObject(facts) && facts['wrap_result'] === true
  return isWrapped && isObject(value) && 'result' in value ? value['result'] : value
}

function textOf(content: CallToolResult['content']): string | undefined {
  if (content.length === 0) return undefined
  const texts = content.map((block) => (block.type === 'text' ? block.text : undefined))
  return texts.every((text) => text !== undefined) ? texts.join('\n') : undefined
}
