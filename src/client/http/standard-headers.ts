import { META } from '../../protocol/era.js'
import type { JsonRpcNotification, JsonRpcRequest } from '../../protocol/json-rpc.js'
import { encodeHeaderValue } from '../../protocol/mirrored-headers.js'
import type { Meta } from '../../protocol/types.js'

/** Which parameter `Mcp-Name` repeats. */
const NAMED_BY = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

/** Add what HTTP headers say of a request as well, so that gateways need not read the body (2026-07-28, basic/transports/streamable-http). */
export function addStandardFields(
  fields: string[],
  { method, params = {} }: JsonRpcRequest | JsonRpcNotification,
): void {
  const meta = params['_meta'] as Meta
  fields.push('mcp-protocol-version', String(meta[META.protocolVersion]), 'mcp-method', method)
  const named = NAMED_BY.get(method)
  const name = named === undefined ? undefined : params[named]
  if (typeof name === 'string') fields.push('mcp-name', encodeHeaderValue(name))
}
