import { ErrorCode, headerMismatch, RejectedError } from '../../errors.js'
import { META } from '../../protocol/era.js'
import type { JsonRpcRequest } from '../../protocol/json-rpc.js'
import { decodeHeaderValue } from '../../protocol/mirrored-headers.js'
import type { JsonObject } from '../../protocol/types.js'
import type { HttpHeaders } from './message.js'

/** The parameter that `Mcp-Name` repeats. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

/**
 * Compare the headers that every 2026-07-28 request repeats with its body, so that what
 * routed by the headers routed right (basic/transports/streamable-http, Server Validation).
 * Gives -32020 where they differ or are missing, -32602 for a body without its `_meta`.
 */
export function findMismatch(
  headers: HttpHeaders,
  { method, params = {} }: JsonRpcRequest,
): RejectedError | undefined {
  const version = (params['_meta'] as JsonObject | undefined)?.[META.protocolVersion]
  if (version === undefined)
    return new RejectedError(ErrorCode.InvalidParams, `_meta["${META.protocolVersion}"] is missing`)
  return (
    compare('MCP-Protocol-Version', headers['mcp-protocol-version'], version) ??
    compare('Mcp-Method', headers['mcp-method'], method) ??
    compareName(headers['mcp-name'], params[NAMED_BY.get(method) ?? ''])
  )
}

function compareName(said: string | undefined, meant: unknown): RejectedError | undefined {
  if (meant === undefined) return undefined
  const decoded = said === undefined ? undefined : decodeHeaderValue(said)
  if (said !== undefined && decoded === undefined)
    return headerMismatch('Header Mcp-Name is not valid Base64 of UTF-8')
  return compare('Mcp-Name', decoded, meant)
}

function compare(header: string, said: string | undefined, meant: unknown): RejectedError | undefined {
  if (said === meant || said?.trim() === meant) return undefined
  return headerMismatch(
    said === undefined
      ? `Header ${header} is missing`
      : `Header ${header} says ${JSON.stringify(said)}, the body ${JSON.stringify(meant)}`,
  )
}
