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
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = { idleTimeoutMs: 30 * 60_000, max: 10_000 }

/** How often, in parts of the idle time-out, sessions are looked through for idle ones. */
const SWEEPS_PER_TIMEOUT = 4

/** Every session there is, and the end of those that nobody uses. */
export class Sessions {
  readonly #services: Services
  readonly #limits: SessionLimits
  readonly #byId = new Map<string, Session>()
  readonly #connections = new Set<Session>()
  #sweeper: ReturnType<typeof setInterval> | undefined

  constructor(services: Services, limits: SessionLimits) {
    this.#services = services
    this.#limits = limits
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#limits.max
  }

  /** For one HTTP request that stands alone. */
  alone(): Requests {
    return new Requests(this.#services)
  }

  /** A session that is as long as a connection: a process's stdio, or a pair in memory. */
  connect(push: Push): Session {
    const session = new Session(this.#services, { push })
    this.#connections.add(session)
    return session
  }

  /** A session that is to be known by an id, once it has been initialized: see `keep`. */
  prepare(): Session {
    return new Session(this.#services, { id: crypto.randomUUID() })
  }

  /** Let a session be found by its id from now on. */
  keep(session: Session): void {
    this.#byId.set(session.id as string, session)
    this.#sweeper ??= this.#startSweeping()
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  end(session: Session): void {
    if (session.id !== undefined) this.#byId.delete(session.id)
    this.#connections.delete(session)
    session.close()
    if (this.#byId.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  /** Wait until nothing runs any more, but no longer than `graceMs`; then end every session. */
  async close(graceMs: number): Promise<void> {
    this.#services.changes.dismiss()
    await this.#services.running.drain(graceMs)
    for (const session of [...this.#byId.values(), ...this.#connections]) this.end(session)
  }

  #startSweeping(): ReturnType<typeof setInterval> {
    const { idleTimeoutMs } = this.#limits
    const timer = setInterval(
      () => {
        const since = Date.now() - idleTimeoutMs
        for (const session of this.#byId.values())
          if (session.isIdle && session.lastActive <= since) this.end(session)
      },
      Math.min(idleTimeoutMs / SWEEPS_PER_TIMEOUT, 2 ** 31 - 1),
    )
    if (typeof timer === 'object') timer.unref()
    return timer
  }
}
