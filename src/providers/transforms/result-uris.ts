import { InputRequired } from '../../components/input-required.js'
import type { RunKind } from '../../protocol/kinds.js'
import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  ReadResourceResult,
} from '../../protocol/types.js'
import type { ResultOf } from '../../protocol/kinds.js'
import type { Eventually } from '../provider.js'

/** What a URI is called on the outside. */
export type OuterUri = (uri: string) => Eventually<string>

/** A result with every URI in it as it is called on the outside; the very same where it has none. */
export function withOuterUris<K extends RunKind>(
  kind: K,
  result: ResultOf<K> | InputRequired,
  outer: OuterUri,
): Eventually<ResultOf<K> | InputRequired> {
  if (result instanceof InputRequired) return result
  if (kind === 'tool') return ofTool(result as CallToolResult, outer)
  if (kind === 'prompt') return ofPrompt(result as GetPromptResult, outer)
  return ofResource(result as ReadResourceResult, outer)
}

/** Content with its resources called as on the outside. */
export function blocksWithOuterUris(
  blocks: readonly ContentBlock[],
  outer: OuterUri,
): Eventually<readonly ContentBlock[]> {
  return blocks.some(namesResource) ? Promise.all(blocks.map((block) => blockOf(block, outer))) : blocks
}

function ofTool(result: CallToolResult, outer: OuterUri): Eventually<CallToolResult> {
  if (!result.content.some(namesResource)) return result
  return Promise.all(result.content.map((block) => blockOf(block, outer))).then((content) => ({
    ...result,
    content,
  }))
}

function ofPrompt(result: GetPromptResult, outer: OuterUri): Eventually<GetPromptResult> {
  if (!result.messages.some(({ content }) => namesResource(content))) return result
  const messages = result.messages.map(async (message) => ({
    ...message,
    content: await blockOf(message.content, outer),
  }))
  return Promise.all(messages).then((named) => ({ ...result, messages: named }))
}

async function ofResource(result: ReadResourceResult, outer: OuterUri): Promise<ReadResourceResult> {
  const contents = result.contents.map(async (part) => ({ ...part, uri: await outer(part.uri) }))
  return { ...result, contents: await Promise.all(contents) }
}

function namesResource(block: ContentBlock): boolean {
  return block.type === 'resource_link' || block.type === 'resource'
}

async function blockOf(block: ContentBlock, outer: OuterUri): Promise<ContentBlock> {
  if (block.type === 'resource_link') return { ...block, uri: await outer(block.uri) }
  if (block.type !== 'resource') return block
  return { ...block, resource: { ...block.resource, uri: await outer(block.resource.uri) } }
}
