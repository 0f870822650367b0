import { META } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import type { CallToolResult, JsonObject } from '../protocol/types.js'

/** What a tool gave. */
export interface ToolCallResult<Data = unknown> extends CallToolResult {
  /** The structured content, as the tool returned it; where there is none, the text of the content. */
  readonly data: Data
}

/** A result without what only concerned the connection it came over. */
export function bare(result: JsonObject): JsonObject {
  const { resultType, ttlMs, cacheScope, _meta: meta, ...kept } = result
  if (meta === undefined) return kept
  const { [META.serverInfo]: stamp, ...rest } = isObject(meta) ? meta : {}
  if (stamp === undefined) return { ...kept, _meta: meta }
  return Object.keys(rest).length === 0 ? kept : { ...kept, _meta: rest }
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
