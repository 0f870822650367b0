import { META } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import type { CallToolResult, JsonObject } from '../protocol/types.js'

/** What a tool gave. */
export interface ToolCallResult<Data = unknown> extends CallToolResult {
  /** The structured content, as the tool returned it; where there is none, the text of the content. */
  readonly data: Data
}

/** Members of a result that only concern the connection it came over. */
const OF_THE_CONNECTION = ['resultType', 'ttlMs', 'cacheScope']

/** A result without what only concerned the connection it came over. */
export function bare(result: JsonObject): JsonObject {
  const { _meta: meta } = result
  const isStamped = isObject(meta) && META.serverInfo in meta
  if (!isStamped && !OF_THE_CONNECTION.some((member) => member in result)) return result
  const kept = without(result, (member) => OF_THE_CONNECTION.includes(member))
  if (!isStamped) return kept
  const rest = without(meta, (member) => member === META.serverInfo)
  return Object.keys(rest).length === 0
    ? without(kept, (member) => member === '_meta')
    : { ...kept, _meta: rest }
}

function without(object: JsonObject, isMeant: (member: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([member]) => !isMeant(member)))
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
