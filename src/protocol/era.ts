import type { ProtocolError } from '../errors.js'
import { isObject, type EncodedResult } from './json-rpc.js'
import type { MirroredHeader } from './mirrored-headers.js'
import type {
  CallToolResult,
  GetPromptResult,
  Implementation,
  JsonObject,
  ServerCapabilities,
  ToolDefinition,
} from './types.js'

/** The protocol revisions that speak alike, under the name of the newest of them. */
export type EraName = '2025-11-25' | '2026-07-28'

/** Revisions that begin with `initialize`, newest first. */
export const REVISIONS_2025 = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const

/** Revisions in which every request stands alone, newest first. */
export const REVISIONS_2026 = ['2026-07-28'] as const

/** Every revision spoken here, newest first. */
export const REVISIONS: readonly string[] = [...REVISIONS_2026, ...REVISIONS_2025]

/** Keys of a request's `_meta` from 2026-07-28 on (basic/index, `_meta`). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** What a server says of itself, in `initialize` and in `server/discover`. */
export interface ServerIdentity {
  readonly info: Implementation
  readonly capabilities: ServerCapabilities
}

/** An answer that another server may have given, behind a proxy. */
export interface ServerAnswer {
  /** The information of that server; `undefined`: this one. */
  readonly serverInfo: Implementation | undefined
}

/** How long, and by whom, answers that may be cached may be cached (2026-07-28, server/utilities/caching). */
export interface CacheHint {
  /** Milliseconds; 0 means: ask again each time. */
  readonly ttlMs: number
  /** `public` only where every caller sees the same. */
  readonly scope: 'public' | 'private'
}

/**
 * All that differs between two spans of protocol revisions. What is not in `methods` does
 * not exist there; nothing outside the eras and the sessions asks which one it is.
 */
export interface Era {
  readonly name: EraName
  readonly methods: ReadonlySet<string>
  /** Whether an answer may come with notifications that are not the protocol's own. */
  readonly hasOwnNotifications: boolean
  /** A tool as `tools/list` shows it in this era. */
  toolDefinition(definition: ToolDefinition): ToolDefinition
  /** A tool's result as a client of `revision` can read it. */
  toolResult(result: CallToolResult, definition: ToolDefinition, revision: string): CallToolResult
  /** Refuse HTTP headers that should repeat arguments and do not. */
  checkMirroredHeaders(
    mirrored: readonly MirroredHeader[] | undefined,
    args: JsonObject,
    headers: Readonly<Record<string, string>> | undefined,
  ): void
  /** A prompt as a client of `revision` can read it. */
  promptResult(result: GetPromptResult, revision: string): GetPromptResult
  /** The JSON text of a result; `answer` names the server behind a proxy. */
  encodeResult(method: string, result: object | EncodedResult, answer?: ServerAnswer): string
  /** The error as this era codes it. */
  error(error: ProtocolError): ProtocolError
  /** The HTTP status that an error answer goes out with. */
  httpStatus(error: ProtocolError): number
}

/** Whether a message's `_meta` claims a revision in which requests stand alone. */
export function claimsOwnRevision(params: JsonObject | undefined): boolean {
  const meta = params?.['_meta']
  return isObject(meta) && META.protocolVersion in meta
}
