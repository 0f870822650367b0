import type { TransportName } from './client-session.js'
import { Heartbeat, type PingOptions } from './heartbeat.js'
import { Requests } from './requests.js'
import type { Services } from './services.js'
import { Session } from './session.js'
import type { Push } from './sinks.js'

/** How long sessions live, and how many there may be. */
export interface SessionLimits {
  /** A session without requests or streams for this long is ended. Default: 30 minutes. */
  readonly idleTimeoutMs: number
  /** Past this many, new ones are refused. Default: 10,000. */
  readonly max: number
  /** Past this many of one caller, his new ones are refused, where callers have to say who they are. Default: 1,000. */
  readonly maxPerCaller: number
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  idleTimeoutMs: 30 * 60_000,
  max: 10_000,
  maxPerCaller: 1000,
}

/** How long a stop waits for watched sources to be let go, in milliseconds. */
const WATCH_GRACE_MS = 1000

/** How often, in parts of the idle time-out, sessions are looked through for idle ones. */
const SWEEPS_PER_TIMEOUT = 4

/** How long a client may hold a session without a word before it says it is ready, in milliseconds. */
const INITIALIZE_TIMEOUT_MS = 60_000

/** Every session there is, and the end of those that nobody uses. */
export class Sessions {
  readonly #services: Services
  readonly #limits: SessionLimits
  readonly #heartbeat: Heartbeat
  readonly #byId = new Map<string, Session>()
  /** How many there are of each caller. */
  readonly #ofOwners = new Map<string, number>()
  readonly #connections = new Set<Session>()
  #sweeper: ReturnType<typeof setInterval> | undefined

  constructor(
    services: Omit<Services, 'wakeHeartbeat'>,
    { session, ping }: { session: SessionLimits; ping: PingOptions },
  ) {
    this.#heartbeat = new Heartbeat(() => this.#all(), services.running, ping, services.logger)
    this.#services = {
      ...services,
      wakeHeartbeat: () => {
        this.#heartbeat.wake()
      },
    }
    this.#limits = session
  }

  /** Whether there may be no more, or none of this caller's. */
  isFull(owner: string | undefined): boolean {
    if (this.#byId.size >= this.#limits.max) return true
    return owner !== undefined && (this.#ofOwners.get(owner) ?? 0) >= this.#limits.maxPerCaller
  }

  /** Whether there is a client, or a request that is being answered. */
  get isUsed(): boolean {
    return this.#byId.size > 0 || this.#connections.size > 0 || this.#services.running.size > 0
  }

  /** How many clients are there, and how many requests are being answered. */
  get counts(): { readonly sessions: number; readonly max: number; readonly requests: number } {
    const { connected, running } = this.#services
    return { sessions: connected.size, max: this.#limits.max, requests: running.size }
  }

  /** For one HTTP request that stands alone. */
  alone(): Requests {
    return new Requests(this.#services)
  }

  /** A session that is as long as a connection: a process's stdio, or a pair in memory. */
  connect(push: Push, transport: TransportName, owner?: string, isOneClient = false): Session {
    const session = new Session(this.#services, { transport, push, owner, isOneClient, onEnd: this.#onEnd })
    this.#connections.add(session)
    this.#heartbeat.wake()
    return session
  }

  /** A session that is to be known by an id, once it has been initialized: see `keep`. */
  prepare(transport: TransportName, owner?: string): Session {
    return new Session(this.#services, { transport, owner, onEnd: this.#onEnd })
  }

  /** For one HTTP request of a client up to 2025-11-25 that stands alone: nothing is known of who sent it. */
  passing(protocolVersion: string): Session {
    const session = this.prepare('httpStream')
    session.assume({ info: undefined, capabilities: {}, protocolVersion, era: '2025-11-25' })
    return session
  }

  /** Let a session be found by its id from now on. */
  keep(session: Session): void {
    this.#byId.set(session.id, session)
    this.#count(session, 1)
    this.#sweeper ??= this.#startSweeping()
    this.#heartbeat.wake()
  }

  /** The session with an id, if that is how its client reaches it. */
  get(id: string, transport: TransportName): Session | undefined {
    const session = this.#byId.get(id)
    return session?.transport === transport ? session : undefined
  }

  /** Take new requests, as from the beginning on. */
  open(): void {
    this.#services.running.isRefusing = false
  }

  /** Take nothing new, wait until nothing runs any more, but no longer than `graceMs`; then end every session. */
  async close(graceMs: number): Promise<void> {
    const { changes, running, watches } = this.#services
    running.isRefusing = true
    changes.dismiss()
    await running.drain(graceMs)
    for (const session of [...this.#all()]) session.end('server stopped')
    this.#heartbeat.stop()
    await within(Math.min(graceMs, WATCH_GRACE_MS), watches.settled())
  }

  *#all(): Iterable<Session> {
    yield* this.#byId.values()
    yield* this.#connections
  }

  readonly #onEnd = (session: Session): void => {
    if (this.#byId.delete(session.id)) this.#count(session, -1)
    this.#connections.delete(session)
    if (this.#byId.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #count({ owner }: Session, by: 1 | -1): void {
    if (owner === undefined) return
    const count = (this.#ofOwners.get(owner) ?? 0) + by
    if (count > 0) this.#ofOwners.set(owner, count)
    else this.#ofOwners.delete(owner)
  }

  #startSweeping(): ReturnType<typeof setInterval> {
    const every = Math.min(this.#limits.idleTimeoutMs / SWEEPS_PER_TIMEOUT, INITIALIZE_TIMEOUT_MS)
    const timer = setInterval(() => {
      this.#sweep(Date.now())
    }, every)
    if (typeof timer === 'object') timer.unref()
    return timer
  }

  #sweep(now: number): void {
    for (const session of this.#byId.values()) {
      if (session.isIdle && session.lastActive <= now - this.#limits.idleTimeoutMs)
        session.end('idle timeout')
      else if (
        session.isUnready &&
        session.lastHeard <= now - Math.min(INITIALIZE_TIMEOUT_MS, this.#limits.idleTimeoutMs)
      )
        session.end('idle timeout')
    }
  }
}

/** Wait for something, but no longer than that. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([promise, late])
  clearTimeout(timer)
}
