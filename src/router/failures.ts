import { ErrorCode, PromptError, ProtocolError, ResourceError, TimeoutError, UserError } from '../errors.js'
import type { CallToolResult } from '../protocol/types.js'
import type { Logger } from '../runtime/logger.js'

/** What decides how much of an unexpected error a client gets to see. */
export interface FailurePolicy {
  /** Keep messages of unexpected errors from clients, which might carry paths, queries and keys. */
  readonly maskErrorDetails: boolean
  readonly logger: Logger
}

/** What a client is told of a tool that failed. Protocol errors stay what they are. */
export function toolFailure(error: unknown, name: string, policy: FailurePolicy): CallToolResult {
  if (error instanceof ProtocolError) throw error
  if (error instanceof UserError) return failed(error.message, error.extras)
  if (error instanceof TimeoutError) return failed(error.message)
  return failed(masked(error, `Error calling tool '${name}'`, policy))
}

function failed(text: string, structuredContent?: Record<string, unknown>): CallToolResult {
  const result: CallToolResult = { content: [{ type: 'text', text }], isError: true }
  if (structuredContent !== undefined) result.structuredContent = structuredContent
  return result
}

/** What a client is told of a resource, prompt or completion that failed: a JSON-RPC error. */
export function componentFailure(error: unknown, label: string, policy: FailurePolicy): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (error instanceof ResourceError || error instanceof PromptError || error instanceof UserError)
    return new ProtocolError(ErrorCode.InternalError, error.message, error.extras)
  return new ProtocolError(ErrorCode.InternalError, masked(error, `Error ${label}`, policy))
}

function masked(error: unknown, message: string, { maskErrorDetails, logger }: FailurePolicy): string {
  const incident = crypto.randomUUID()
  logger.error(`${message} (incident ${incident})`, error)
  if (maskErrorDetails) return message
  return `${message}: ${error instanceof Error ? error.message : String(error)}`
}
