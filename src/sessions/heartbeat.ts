import type { Logger } from '../runtime/logger.js'
import type { TransportName } from './client-session.js'
import type { Running } from './running.js'
import type { Session } from './session.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

/** How clients are kept in touch with (2025: basic/utilities/ping). */
export interface PingOptions {
  /** Default: over HTTP and SSE, but not over stdio or in memory. */
  readonly enabled?: boolean | undefined
  /** After how much silence a client is pinged, and after how much more it is given up. Default: 30,000 ms. */
  readonly intervalMs?: number | undefined
  /** At what level the logger hears of it. Default: `debug`. */
  readonly logLevel?: keyof Logger | undefined
}

const DEFAULT_PING_INTERVAL_MS = 30_000

/** How often, in parts of the interval, it is looked around. */
const BEATS_PER_INTERVAL = 2

/**
 * Keeps what is open from being cut by those in between, and finds out who has gone: pings
 * sessions that have been silent, and writes comments on streams that have.
 */
export class Heartbeat {
  readonly #sessions: () => Iterable<Session>
  readonly #running: Running
  readonly #options: PingOptions
  readonly #intervalMs: number
  readonly #logger: Logger
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(sessions: () => Iterable<Session>, running: Running, options: PingOptions, logger: Logger) {
    this.#sessions = sessions
    this.#running = running
    this.#options = options
    this.#intervalMs = options.intervalMs ?? DEFAULT_PING_INTERVAL_MS
    this.#logger = logger
  }

  /** There is something to look after. It goes on until there is nothing. */
  wake(): void {
    if (this.#timer !== undefined || this.#options.enabled === false) return
    this.#timer = setInterval(
      () => {
        this.#beat()
      },
      Math.min(this.#intervalMs / BEATS_PER_INTERVAL, LONGEST_TIMER_MS),
    )
    if (typeof this.#timer === 'object') this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #beat(): void {
    let isNeeded = this.#running.keepAlive()
    const now = Date.now()
    for (const session of this.#sessions()) {
      if (!this.#isPinged(session.transport)) continue
      isNeeded = true
      this.#look(session, now)
    }
    if (!isNeeded) this.stop()
  }

  #look(session: Session, now: number): void {
    const { logLevel = 'debug' } = this.#options
    const outcome = session.beat(now, this.#intervalMs)
    if (outcome === undefined) return
    this.#logger[logLevel](
      outcome === 'pinged'
        ? `Session ${session.id} has been silent, and is pinged`
        : `Session ${session.id} did not answer a ping, and is ended`,
    )
  }

  #isPinged(transport: TransportName): boolean {
    return this.#options.enabled ?? (transport === 'httpStream' || transport === 'sse')
  }
}
