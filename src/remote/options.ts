import type { Caller } from '../components/context.js'
import type { EraName } from '../protocol/era.js'

/** Who asks, as far as it may matter to a server behind a proxy. */
export interface AskedBy {
  /** HTTP headers, lower-case, without those that carry secrets; `undefined` where there is no HTTP. */
  readonly headers: Caller['headers']
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

interface Limits {
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxConcurrency: number
  readonly maxQueue: number
  readonly maxConnections: number
}

const MAX_PROCESSES = 64
const MAX_CONNECTIONS = 10_000

/** @throws TypeError for limits that cannot be meant. */
export function limitsOf(options: UpstreamOptions, isProcess: boolean): Limits {
  const limits = {
    timeoutMs: options.timeoutMs ?? 300_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    maxConcurrency: options.maxConcurrency ?? 256,
    maxQueue: options.maxQueue ?? 1024,
    maxConnections: options.maxConnections ?? (isProcess ? MAX_PROCESSES : MAX_CONNECTIONS),
  }
  for (const [name, value] of Object.entries(limits))
    if (!(value > 0) && !(name === 'maxQueue' && value === 0))
      throw new TypeError(`${name} must be a number above 0, not ${value}`)
  return limits
}
