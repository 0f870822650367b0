import type { Connector } from '../client/target.js'
import type { Caller } from '../components/context.js'
import type { EraName } from '../protocol/era.js'
import type { ClientCapabilities, Implementation } from '../protocol/types.js'
import type { Change } from '../providers/changes.js'
import type { RemoteExecutor } from './remote-components.js'
import type { OwnHandlers } from './upstream-connection.js'

/** The caller of a request, as far as it may matter to a server behind a proxy. */
export interface AskedBy {
  /** HTTP headers, lower-case, without those that carry secrets; `undefined` where there is no HTTP. */
  readonly headers: Caller['headers']
  /** The result of `authenticate`. */
  readonly session: unknown
  readonly client: Pick<Caller, 'info' | 'capabilities' | 'protocolVersion' | 'era'> | undefined
}

/** How a proxy speaks to what is behind it. */
export interface UpstreamOptions {
  /**
   * HTTP headers for the server behind, made of who asks. Nothing of what came in is passed on
   * unless this says so. Those who get the same headers share lists, and nobody else does.
   */
  readonly headers?: ((by: AskedBy) => Readonly<Record<string, string>>) | undefined
  /** Which revisions are spoken to the server. Default: `auto`, those of the client in front where the server speaks them. */
  readonly era?: 'auto' | EraName | undefined
  /**
   * Uses one connection for all callers, instead of one for each session: for servers that cannot run twice. A message of
   * the server that does not name its request is dropped then, and an input request refused. Default: `false`.
   */
  readonly shared?: boolean | undefined
  /**
   * Connections of callers without a session and without `authenticate` to a server up to 2025-11-25 that keeps sessions.
   * `separate` gives each call a session of its own, so that no caller reads the state of another. `share` uses a session
   * for one call after the other. Default: `separate`. Processes are shared in either case.
   */
  readonly anonymous?: 'separate' | 'share' | undefined
  /** How long an answer is waited for, anew after each report of progress, in milliseconds. Default: 300,000. */
  readonly timeoutMs?: number | undefined
  /** How long connecting may take, in milliseconds. Default: 30,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How many requests may be under way at once. Default: 256. */
  readonly maxConcurrency?: number | undefined
  /** How many requests may wait for their turn. Default: 1024. */
  readonly maxQueue?: number | undefined
  /** How many connections may be open at once. Default: 64 processes, 10,000 of any other kind. */
  readonly maxConnections?: number | undefined
}

/** The configuration of one upstream server. */
export interface UpstreamConfig extends UpstreamOptions {
  readonly name: string
  readonly connector: Connector
  /** The client information of the proxy's own requests. */
  readonly info: Implementation
  /** Capabilities and handlers of the `Client` that the proxy was made of. */
  readonly ownHandlers?: (OwnHandlers & { readonly capabilities: ClientCapabilities }) | undefined
  /** Whether the server is sent the caller's identity, and trusts it: it is one of this process. */
  readonly forwardsIdentity?: boolean | undefined
  /** Whether changes are subscribed to. Default: true. */
  readonly subscribesToChanges?: boolean | undefined
  /** Marks requests that came through the proxy. */
  readonly viaId: string
  /** Runs the server's components. */
  readonly executor: Omit<RemoteExecutor, 'watch'>
  /** Called for invalid messages, and when the server becomes available or unavailable. */
  readonly onWarning: (problem: string, error?: unknown) => void
  /** Called for changed lists and resources. */
  readonly onChange: (change: Change) => void
}

export interface UpstreamLimits {
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxConcurrency: number
  readonly maxQueue: number
  readonly maxConnections: number
  /** How many control connections there are: one for each set of headers, identity and capabilities. */
  readonly maxControlConnections: number
}

const MAX_PROCESSES = 64
const MAX_CONNECTIONS = 10_000
const MAX_CONTROL_CONNECTIONS = 1000

/** Whether one connection serves all callers. A transport that was given can be connected once. */
export function isShared({ shared, connector }: UpstreamConfig): boolean {
  return shared === true || connector.kind === 'given'
}

/** @throws TypeError for invalid limits. */
export function limitsOf(options: UpstreamOptions, connector: Connector): UpstreamLimits {
  const { anonymous = 'separate' } = options
  const isKnown: boolean = anonymous === 'separate' || anonymous === 'share'
  if (!isKnown) throw new TypeError(`anonymous must be 'separate' or 'share', not '${anonymous}'`)
  const isProcess = connector.kind === 'process'
  const { maxConnections = isProcess ? MAX_PROCESSES : MAX_CONNECTIONS } = options
  const limits = {
    timeoutMs: options.timeoutMs ?? 300_000,
    connectTimeoutMs: connector.connectTimeoutMs ?? options.connectTimeoutMs ?? 30_000,
    maxConcurrency: options.maxConcurrency ?? 256,
    maxQueue: options.maxQueue ?? 1024,
    maxConnections,
    maxControlConnections: isProcess ? maxConnections : MAX_CONTROL_CONNECTIONS,
  }
  for (const [name, value] of Object.entries(limits))
    if (!(value > 0) && !(name === 'maxQueue' && value === 0))
      throw new TypeError(`${name} must be a number above 0, not ${value}`)
  return limits
}
