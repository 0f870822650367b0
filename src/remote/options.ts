import type { Connector } from '../client/target.js'
import type { Caller } from '../components/context.js'
import type { EraName } from '../protocol/era.js'
import type { Implementation } from '../protocol/types.js'
import type { Change } from '../providers/changes.js'
import type { Elsewhere } from './remote-components.js'

/** Who asks, as far as it may matter to a server behind a proxy. */
export interface AskedBy {
  /** HTTP headers, lower-case, without those that carry secrets; `undefined` where there is no HTTP. */
  readonly headers: Caller['headers']
  /** What `authenticate` gave. */
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
   * One connection for all, instead of one for each session in front: for servers that cannot
   * run twice. What the server asks outside of a call, or while several run, is refused then.
   */
  readonly shared?: boolean | undefined
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

/** What a proxy knows of one server that it stands before. */
export interface UpstreamSettings extends UpstreamOptions {
  readonly name: string
  readonly connector: Connector
  /** What the proxy says of itself where it asks on its own account. */
  readonly info: Implementation
  /** Whether the server is told who asks, and takes our word for it: it is one of this process. */
  readonly tellsWho?: boolean | undefined
  /** Whether it is to tell of changes. Default: true. */
  readonly listens?: boolean | undefined
  /** Marks what has come through the proxy. */
  readonly signature: string
  /** How its components are run. */
  readonly elsewhere: Omit<Elsewhere, 'watch'>
  /** Told of what makes no sense, and of a server that comes or goes. */
  readonly onProblem: (problem: string, error?: unknown) => void
  /** Told of lists and resources being others. */
  readonly onHeard: (change: Change) => void
}

export interface Limits {
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxConcurrency: number
  readonly maxQueue: number
  readonly maxConnections: number
  /** How many different headers, or processes of sessions, are told apart, each with lists of its own. */
  readonly maxHouses: number
}

const MAX_PROCESSES = 64
const MAX_CONNECTIONS = 10_000
const MAX_HOUSES = 1000

/** @throws TypeError for limits that cannot be meant. */
export function limitsOf(options: UpstreamOptions, connector: Connector): Limits {
  const isProcess = connector.kind === 'process'
  const { maxConnections = isProcess ? MAX_PROCESSES : MAX_CONNECTIONS } = options
  const limits = {
    timeoutMs: options.timeoutMs ?? 300_000,
    connectTimeoutMs: connector.connectTimeoutMs ?? options.connectTimeoutMs ?? 30_000,
    maxConcurrency: options.maxConcurrency ?? 256,
    maxQueue: options.maxQueue ?? 1024,
    maxConnections,
    maxHouses: isProcess ? maxConnections : MAX_HOUSES,
  }
  for (const [name, value] of Object.entries(limits))
    if (!(value > 0) && !(name === 'maxQueue' && value === 0))
      throw new TypeError(`${name} must be a number above 0, not ${value}`)
  return limits
}
