import { ResourceNotFoundError } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  JsonObject,
  PromptMessage,
  ReadResourceResult,
  ResourceContents,
} from '../protocol/types.js'
import { toBase64 } from '../runtime/base64.js'
import { isContentBlock } from './content.js'

/** Makes what a tool returned the answer to `tools/call` (server/tools, Tool Result). */
export function toToolResult(returned: unknown): CallToolResult {
  if (returned === undefined) return { content: [] }
  if (typeof returned === 'string') return { content: [{ type: 'text', text: returned }] }
  if (isContentBlock(returned)) return { content: [returned] }
  if (isContentList(returned)) return { content: returned }
  if (isToolResult(returned)) return completed(returned)
  const text = jsonText(returned)
  const content: ContentBlock[] = [{ type: 'text', text }]
  // Dates and URLs are objects that are told as texts.
  return text.startsWith('{') ? { content, structuredContent: returned } : { content }
}

/** What was returned, its content awaited: `image()` and `audio()` give promises, easily put into a list as they are. */
export function settled(returned: unknown): unknown {
  if (Array.isArray(returned)) return returned.some(isPromise) ? Promise.all(returned) : returned
  if (!isObject(returned) || !Array.isArray(returned['content'])) return returned
  if (!returned['content'].some(isPromise)) return returned
  return Promise.all(returned['content']).then((content) => ({ ...returned, content }))
}

function isPromise(value: unknown): boolean {
  return value instanceof Promise
}

/** A tool's answer in full, as it may be returned from `execute`. */
export interface ToolResult<Structured = unknown> {
  content?: string | ContentBlock | readonly ContentBlock[]
  /** Data for programs; told in `content` as well where that is left out. */
  structuredContent?: Structured
  isError?: boolean
  /** Goes out as `_meta`. */
  meta?: Record<string, unknown>
}

const TOOL_RESULT_KEYS = new Set(['content', 'structuredContent', 'isError', 'meta', '_meta'])

/** Whether a tool returned its answer in full, rather than what is to be in it. */
export function isToolResult(value: unknown): value is ToolResult & { _meta?: JsonObject } {
  if (!isObject(value)) return false
  const { content, structuredContent } = value
  if (content === undefined && structuredContent === undefined) return false
  if (Object.keys(value).some((key) => !TOOL_RESULT_KEYS.has(key))) return false
  if (content === undefined || typeof content === 'string' || isContentBlock(content)) return true
  return Array.isArray(content) && content.every(isContentBlock)
}

function isContentList(value: unknown): value is ContentBlock[] {
  return Array.isArray(value) && value.length > 0 && value.every(isContentBlock)
}

function completed(given: ToolResult & { _meta?: JsonObject }): CallToolResult {
  const { content, structuredContent, isError, meta, _meta = meta } = given
  const result: CallToolResult = { content: contentOf(content, structuredContent) }
  if (structuredContent !== undefined) result.structuredContent = structuredContent
  if (isError !== undefined) result.isError = isError
  if (_meta !== undefined) result._meta = _meta
  return result
}

function contentOf(content: ToolResult['content'], structuredContent: unknown): ContentBlock[] {
  if (content === undefined) return [{ type: 'text', text: jsonText(structuredContent) }]
  return toBlocks(content)
}

/** One or several pieces of content as a list of blocks. */
export function toBlocks(content: string | ContentBlock | readonly ContentBlock[]): ContentBlock[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? [...(content as readonly ContentBlock[])] : [content as ContentBlock]
}

function jsonText(value: unknown): string {
  if (value instanceof Uint8Array)
    throw new TypeError('Bytes are no result: wrap them with image(), audio() or embedded()')
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`A ${typeof value} is no JSON value`)
  return text
}

/** Makes what a resource loaded the answer to `resources/read` (server/resources, Reading Resources). */
export function toReadResult(loaded: unknown, uri: string, mimeType: string | undefined): ReadResourceResult {
  if (loaded === undefined || loaded === null) throw new ResourceNotFoundError(uri)
  const isList = Array.isArray(loaded) && loaded.length > 0 && loaded.every(isLoadedPart)
  const parts: unknown[] = isList ? loaded : [loaded]
  return { contents: parts.map((part) => toContents(part, uri, mimeType)) }
}

/** One piece of what a resource holds; `uri` and `mimeType` where they differ from the resource's own. */
export type ResourcePart = (
  | { readonly text: string; readonly blob?: undefined }
  | { readonly blob: Uint8Array | string; readonly text?: undefined }
) & { readonly uri?: string; readonly mimeType?: string; readonly meta?: Record<string, unknown> }

const PART_KEYS = new Set(['text', 'blob', 'uri', 'mimeType', 'meta', '_meta'])

function isResourcePart(value: unknown): value is ResourcePart & { _meta?: JsonObject } {
  if (!isObject(value) || Object.keys(value).some((key) => !PART_KEYS.has(key))) return false
  const { text, blob } = value
  return typeof text === 'string' || typeof blob === 'string' || blob instanceof Uint8Array
}

/** Of what a list must consist to be several contents, rather than one JSON array. */
function isLoadedPart(value: unknown): boolean {
  return isResourcePart(value) || value instanceof Uint8Array
}

function toContents(part: unknown, uri: string, mimeType: string | undefined): ResourceContents {
  if (typeof part === 'string') return { uri, ...typed(mimeType), text: part }
  if (part instanceof ArrayBuffer) return { uri, ...typed(mimeType), blob: toBase64(new Uint8Array(part)) }
  if (part instanceof Uint8Array) return { uri, ...typed(mimeType), blob: toBase64(part) }
  if (!isResourcePart(part)) return { uri, mimeType: mimeType ?? 'application/json', text: jsonText(part) }
  const { meta, _meta = meta, text, blob } = part
  const common = {
    uri: part.uri ?? uri,
    ...typed(part.mimeType ?? mimeType),
    ...(_meta === undefined ? {} : { _meta }),
  }
  if (text !== undefined) return { ...common, text }
  return { ...common, blob: typeof blob === 'string' ? blob : toBase64(blob) }
}

function typed(mimeType: string | undefined): { mimeType?: string } {
  return mimeType === undefined ? {} : { mimeType }
}

/** One message of a prompt, shorter than the wire wants it. */
export interface PromptPart {
  readonly role: PromptMessage['role']
  readonly content: string | ContentBlock
}

/** A prompt in full, as it may be returned from `load`. */
export interface PromptResult {
  readonly description?: string
  readonly messages: readonly PromptPart[]
  /** Goes out as `_meta`. */
  readonly meta?: Record<string, unknown>
}

/** What a prompt's `load` may return: a user's text, content, messages, or all of it. */
export type PromptReturn = string | ContentBlock | readonly (PromptPart | ContentBlock)[] | PromptResult

/** Makes what a prompt loaded the answer to `prompts/get` (server/prompts, PromptMessage). */
export function toPromptResult(loaded: unknown, description: string | undefined): GetPromptResult {
  const given =
    isObject(loaded) && Array.isArray(loaded['messages']) ? (loaded as unknown as PromptResult) : undefined
  const parts = given?.messages ?? (Array.isArray(loaded) ? (loaded as unknown[]) : [loaded])
  const result: GetPromptResult = { messages: parts.map(toMessage) }
  const said = given?.description ?? description
  if (said !== undefined) result.description = said
  if (given?.meta !== undefined) result._meta = given.meta
  return result
}

function toMessage(part: unknown): PromptMessage {
  if (typeof part === 'string') return { role: 'user', content: { type: 'text', text: part } }
  if (isContentBlock(part)) return { role: 'user', content: part }
  if (isObject(part) && (part['role'] === 'user' || part['role'] === 'assistant')) {
    const { role, content } = part
    if (typeof content === 'string') return { role, content: { type: 'text', text: content } }
    if (isContentBlock(content)) return { role, content }
  }
  throw new TypeError('A prompt must give a text, content, or messages of role "user" or "assistant"')
}
