/**
 * Every error that fastmesh raises or understands, and what each becomes on the wire.
 */
import type { CallToolResult } from './protocol/types.js'

/** JSON-RPC error codes, with the MCP section each comes from. */
export const ErrorCode = {
  /** Not JSON at all (JSON-RPC 2.0, 5.1). */
  ParseError: -32700,
  /** JSON, but no message that may be sent here (JSON-RPC 2.0, 5.1). */
  InvalidRequest: -32600,
  /** No such method in the caller's protocol revision (JSON-RPC 2.0, 5.1). */
  MethodNotFound: -32601,
  /** Parameters that do not fit, an unknown tool or prompt, a cursor nobody issued (JSON-RPC 2.0, 5.1). */
  InvalidParams: -32602,
  /** Something failed that the caller cannot mend (JSON-RPC 2.0, 5.1). */
  InternalError: -32603,
  /** No such resource, up to revision 2025-11-25 (server/resources, Error Handling). */
  ResourceNotFound: -32002,
  /** HTTP headers and body disagree (2026-07-28, basic/transports/streamable-http, Server Validation). */
  HeaderMismatch: -32020,
  /** The client lacks a capability that the request needs (2026-07-28, basic/index). */
  MissingClientCapability: -32021,
  /** A protocol version that is not spoken here (2026-07-28, basic/versioning). */
  UnsupportedProtocolVersion: -32022,
} as const

abstract class PublicError extends Error {
  /** Sent to the client beside the message; must be JSON. */
  readonly extras: Record<string, unknown> | undefined

  constructor(message: string, extras?: Record<string, unknown>) {
    super(message)
    this.name = new.target.name
    this.extras = extras
  }
}

/**
 * Thrown by a tool, tells the model what went wrong: the message becomes an `isError`
 * result, `extras` its `structuredContent` (server/tools, Error Handling).
 */
export class UserError extends PublicError {}

/** Arguments that do not fit a tool's `parameters`. The message names the tool as its own server knows it. */
export class InvalidArgumentsError extends UserError {
  readonly tool: string
  /** Which, and why. */
  readonly problem: string

  constructor(tool: string, problem: string) {
    super(`Invalid arguments for tool '${tool}': ${problem}`)
    this.tool = tool
    this.problem = problem
  }
}

/** Thrown while a resource is read: a JSON-RPC error with this message, and `extras` as its `data`. */
export class ResourceError extends PublicError {}

/** Thrown while a prompt is made: a JSON-RPC error with this message, and `extras` as its `data`. */
export class PromptError extends PublicError {}

/**
 * What a client was asked, it refused, answered with what does not fit, or did not answer in
 * time. Left to itself, it becomes an `isError` result with its message.
 */
export class ClientAnswerError extends UserError {
  /** The code of the client's own JSON-RPC error, if it answered with one. */
  readonly code: number | undefined

  constructor(message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** A tool that was called answered that it failed (server/tools, Error Handling): what a client's `callTool` throws. */
export class ToolCallError extends UserError {
  /** The whole result. */
  readonly result: CallToolResult

  constructor(result: CallToolResult) {
    const texts = result.content.flatMap((block) => (block.type === 'text' ? [block.text] : []))
    const { structuredContent } = result
    const extras = isRecord(structuredContent) ? structuredContent : undefined
    super(texts.join('\n') || 'The tool failed, and did not say why', extras)
    this.name = 'ToolError'
    this.result = result
  }
}

/** The other side cannot be reached, or the connection to it broke. */
export class ConnectionError extends Error {
  /** `not begun`: certainly nothing ran there. `unknown`: it may have run, or may still be running. */
  readonly outcome: 'not begun' | 'unknown'

  constructor(message: string, outcome: ConnectionError['outcome'], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.outcome = outcome
  }
}

/** A server answered with an HTTP status that is no answer. */
export class HttpStatusError extends ConnectionError {
  readonly status: number
  /** How long the server wants its clients to stay away, in milliseconds, if it says so. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, message: string, outcome: ConnectionError['outcome'], retryAfterMs?: number) {
    super(message, outcome)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** The other side sent more than is taken. */
export class MessageTooLongError extends ConnectionError {
  constructor(maxBytes: number) {
    super(`A message is longer than ${maxBytes} bytes`, 'unknown')
  }
}

/** Too much is under way already. */
export class BusyError extends ConnectionError {
  constructor(upstream: string) {
    super(`Upstream '${upstream}' is busy`, 'not begun')
  }
}

/** A server does not know the session any more (2025-11-25, basic/transports, Session Management). */
export class SessionForgottenError extends ConnectionError {
  constructor() {
    super('The server does not know this session any more', 'not begun')
  }
}

/** A server wants to know who asks, and was not told what satisfies it (2026-07-28, basic/authorization). */
export class UnauthorizedError extends ConnectionError {
  constructor(message: string, cause?: unknown) {
    super(message, 'not begun', cause)
  }
}

/** The other side did not answer in time. Whether what was asked for has run is not known, unless it could not even be sent. */
export class RequestTimeoutError extends ConnectionError {
  readonly method: string
  readonly timeoutMs: number

  constructor(method: string, timeoutMs: number, outcome: ConnectionError['outcome'] = 'unknown') {
    super(`There was no answer to ${method} within ${timeoutMs} ms`, outcome)
    this.method = method
    this.timeoutMs = timeoutMs
  }
}

/** A JSON-RPC error that goes to the client as it is, from wherever it is thrown. */
export class ProtocolError extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.name = new.target.name
    this.code = code
    this.data = data
  }
}

/** The server has as much to do as it takes on. */
export class OverloadedError extends ProtocolError {
  constructor(most: number) {
    super(ErrorCode.InternalError, `The server answers ${most} requests already: try again later`)
  }
}

/** The caller has to be granted more scopes first (basic/authorization, Scope Challenge Handling). */
export class InsufficientScopeError extends ProtocolError {
  /** All the scopes that are needed. */
  readonly scopes: readonly string[]

  constructor(
    what: string,
    scopes: readonly string[],
    message = `Insufficient scope for '${what}': ${scopes.join(' ')}`,
  ) {
    super(ErrorCode.InvalidRequest, message, { requiredScopes: scopes })
    this.scopes = scopes
  }
}

/** Thrown, or caused by a `load` that returns nothing: there is no resource at this URI. */
export class ResourceNotFoundError extends ProtocolError {
  readonly uri: string

  /** `message` and `data` replace what the error says of its own. */
  constructor(uri: string, said: { readonly message?: string; readonly data?: unknown } = {}) {
    const { message = `Resource not found: ${uri}`, data = { uri } } = said
    super(ErrorCode.ResourceNotFound, message, data)
    this.uri = uri
  }
}

/** A message refused before anything ran. In 2026-07-28 the HTTP status says so as well. */
export class RejectedError extends ProtocolError {}

export const invalidParams = (message: string, data?: unknown): ProtocolError =>
  new ProtocolError(ErrorCode.InvalidParams, message, data)

export const invalidRequest = (message: string): RejectedError =>
  new RejectedError(ErrorCode.InvalidRequest, message)

export const methodNotFound = (method: string): RejectedError =>
  new RejectedError(ErrorCode.MethodNotFound, `Method not found: ${method}`)

export const headerMismatch = (message: string): RejectedError =>
  new RejectedError(ErrorCode.HeaderMismatch, message)

/** The client lacks what it would have to be asked for; `requiredCapabilities` say what. */
export const missingClientCapability = (requiredCapabilities: object): ProtocolError =>
  new ProtocolError(
    ErrorCode.MissingClientCapability,
    `This needs a client with ${Object.keys(requiredCapabilities).join(', ')}`,
    { requiredCapabilities },
  )

export const unsupportedVersion = (requested: unknown, supported: readonly string[]): RejectedError =>
  new RejectedError(
    ErrorCode.UnsupportedProtocolVersion,
    `Unsupported protocol version: ${JSON.stringify(requested)}`,
    {
      supported,
      requested,
    },
  )

/** The caller's time ran out; `signal.reason` of the handler that took too long. */
export class TimeoutError extends Error {
  readonly tool: string
  readonly timeoutMs: number

  constructor(tool: string, timeoutMs: number) {
    super(`Tool '${tool}' timed out after ${timeoutMs} ms`)
    this.name = 'TimeoutError'
    this.tool = tool
    this.timeoutMs = timeoutMs
  }
}

/** An error about a tool as it reads where that tool goes by another name; the same if it is about anything else. */
export function withToolName(error: unknown, inner: string, outer: string): unknown {
  if (error instanceof InvalidArgumentsError && error.tool === inner)
    return new InvalidArgumentsError(outer, error.problem)
  if (error instanceof TimeoutError && error.tool === inner) return new TimeoutError(outer, error.timeoutMs)
  return error
}

/** The client called the request off or went away; `signal.reason` of the handler it had running. */
export class CancelledError extends Error {
  constructor(reason?: string) {
    super(reason ? `Cancelled: ${reason}` : 'Cancelled')
    this.name = 'AbortError'
  }
}

/**
 * What a handler is left by that waits for an answer which only a later request can bring
 * (2026-07-28): it runs again then, from the top. Let it pass.
 */
export class PutOffError extends Error {
  constructor() {
    super('This run has ended: it goes on when the client has answered')
    this.name = 'AbortError'
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
