import type { Connector } from '../client/target.js'
import type { EraName } from '../protocol/era.js'

/** The properties of a caller that decide over which connection its calls run. */
export interface CallerTraits {
  readonly era: EraName
  /** Whether the call is part of a session (up to 2025-11-25). */
  readonly hasSession: boolean
  /** Whether the caller is known: by `authenticate`, or as the only client of its connection (stdio, in memory). */
  readonly isIdentified: boolean
  /** Whether the caller declares a capability by which a server can ask for input. */
  readonly acceptsInput: boolean
  /** Whether the call asks for log messages. */
  readonly wantsLogs: boolean
}

/** The properties of an upstream server that decide the same. */
export interface UpstreamTraits {
  readonly kind: Connector['kind']
  /** The era that it is spoken to in. */
  readonly era: EraName
  /** Whether it keeps a session for a connection. Always so, except for HTTP without `Mcp-Session-Id`. */
  readonly hasSessions: boolean
  /** The option `shared`, or a transport that can be connected once. */
  readonly isShared: boolean
  /** The option `anonymous: 'share'`. */
  readonly sharesAnonymous: boolean
}

/** A connection of an upstream, by its use. */
export type ConnectionKind =
  /** The control connection, which also has the lists. */
  | 'control'
  /** One for the caller's session. */
  | 'session'
  /** One for one call at a time, kept for the same caller's next. */
  | 'exclusive'
  /** One for this call alone. */
  | 'fresh'

export interface Selection {
  readonly connection: ConnectionKind
  /** Whether the call may wait, between two requests of its caller, for an answer to an input request. */
  readonly suspendable: boolean
}

/**
 * Decides over which connection a call runs: the table of docs/proxies.md. A session's process is its control
 * connection, so that its lists are its own.
 */
export function selectConnection(caller: CallerTraits, upstream: UpstreamTraits): Selection {
  const { kind, era, hasSessions, isShared, sharesAnonymous } = upstream
  const suspendable = era === '2025-11-25' && caller.era === '2026-07-28' && caller.acceptsInput
  const select = (connection: ConnectionKind): Selection => ({ connection, suspendable })
  if (isShared) return select('control')
  if (kind === 'process') {
    if (caller.hasSession) return select('control')
    // Nothing but a request names its call on stdio, so that log messages need a process without other calls.
    return era === '2026-07-28' && !caller.wantsLogs ? select('control') : select('exclusive')
  }
  if (era === '2026-07-28') return select('control')
  if (caller.hasSession) return select('session')
  if (!hasSessions) return select('control')
  return caller.isIdentified || sharesAnonymous ? select('exclusive') : select('fresh')
}
