import { InputRequired } from '../components/input-required.js'
import { UserError } from '../errors.js'
import type { CallToolResult, ContentBlock } from '../protocol/types.js'
import { KINDS } from '../protocol/kinds.js'
import type { Middleware, RunResult } from '../providers/transforms/middleware.js'
import { checkPositive } from './check.js'

export interface LimitSizeOptions {
  /** How large a result may be, in bytes of JSON. */
  readonly maxBytes: number
  /** Cut the text of tools that give nothing but text, instead of refusing it. Default: `false`. */
  readonly cutText?: boolean
}

/** Refuse results that are too large, or cut them. */
export function limitSize({ maxBytes, cutText = false }: LimitSizeOptions): Middleware {
  checkPositive('limitSize: maxBytes', maxBytes)
  return async ({ kind, name }, next) => {
    const result = await next()
    if (result instanceof InputRequired) return result
    const bytes = byteLength(JSON.stringify(result))
    if (bytes <= maxBytes) return result
    const isCut = cutText && kind === 'tool' && isText(result as CallToolResult)
    const shorter = isCut ? cut(result as CallToolResult, bytes, maxBytes) : undefined
    if (shorter !== undefined) return shorter
    throw new UserError(
      `The result of ${KINDS[kind].label} '${name}' has ${bytes} bytes, of at most ${maxBytes}`,
    )
  }
}

function isText({ content, structuredContent }: CallToolResult): boolean {
  return structuredContent === undefined && content.every(({ type }) => type === 'text')
}

/** Keeps the beginning; gives nothing where there is no room for it. Every character is counted by the bytes it takes as JSON. */
function cut(result: CallToolResult, bytes: number, maxBytes: number): RunResult | undefined {
  const note: ContentBlock = { type: 'text', text: `[Cut: ${bytes} bytes, of at most ${maxBytes}]` }
  const isEmpty: CallToolResult = { ...result, content: [{ type: 'text', text: '' }, note] }
  let left = maxBytes - byteLength(JSON.stringify(isEmpty))
  if (left < 0) return undefined
  const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
  let kept = ''
  for (const character of text) {
    left -= byteLength(JSON.stringify(character)) - 2
    if (left < 0) break
    kept += character
  }
  return { ...result, content: [{ type: 'text', text: kept }, note] }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
