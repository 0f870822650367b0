import type { RelaySession } from '../components/context.js'
import { BusyError, ConnectionError, invalidParams } from '../errors.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import { ClosingSet } from '../util/closing-set.js'
import { Semaphore } from '../util/semaphore.js'
import type { UpstreamConnection } from './upstream-connection.js'
import type { UpstreamLimits } from './upstream-options.js'

/** How long an idle connection is kept for the next call, in milliseconds. */
const IDLE_MS = 60_000

/** How long a connection is kept that has issued a `requestState`, in milliseconds: as long as a suspended call. */
const RESUMABLE_MS = 10 * 60_000

/** How many idle connections are kept. */
const MAX_IDLE = 256

/** How many sessions are initialized ahead for one kind of anonymous callers, and for how many kinds. */
const MAX_AHEAD = 4
const MAX_AHEAD_KEYS = 64

/** A connection that one call has to itself. */
export interface Lease {
  readonly connection: UpstreamConnection
  /** Returns the connection. `isResumable`: a later round of the call has to run over it again. */
  readonly release: (outcome: { readonly isReusable: boolean; readonly isResumable: boolean }) => void
}

interface IdleConnection {
  readonly key: string
  readonly connection: UpstreamConnection
  timer: ReturnType<typeof setTimeout> | undefined
}

export interface LeaseRequest {
  /** Only calls with the same key get the same connection. */
  readonly key: string
  readonly signal: CancelSignal
  readonly create: () => UpstreamConnection
}

/** The connections to one upstream server that belong to a session, or to one call at a time. */
export class ConnectionPool {
  readonly #name: string
  readonly #limits: UpstreamLimits
  /** Sessions and calls with a connection, and calls that wait for one. */
  readonly #slots: Semaphore
  readonly #bySession = new Map<string, UpstreamConnection>()
  readonly #idle = new Set<IdleConnection>()
  readonly #all = new Set<UpstreamConnection>()
  /** Calls that wait for a connection which another call uses. */
  readonly #waiting = new Set<() => void>()
  /** Keys of fresh connections, and how many of them are initialized ahead. */
  readonly #ahead = new Map<string, { readonly wanted: number; readonly usedAt: number }>()
  readonly #closing = new ClosingSet()

  constructor(name: string, limits: UpstreamLimits) {
    this.#name = name
    this.#limits = limits
    this.#slots = new Semaphore({ limit: limits.maxConnections, queueLimit: limits.maxQueue })
  }

  get size(): number {
    return this.#all.size
  }

  /** Returns the connection that a session has. */
  ofSession(session: RelaySession): UpstreamConnection | undefined {
    return this.#bySession.get(session.id)
  }

  /**
   * Returns the connection of a session. It ends with the session.
   * @throws BusyError where there are `maxConnections` already.
   */
  forSession(session: RelaySession, create: () => UpstreamConnection): UpstreamConnection {
    const known = this.#bySession.get(session.id)
    if (known !== undefined) return known
    if (!this.#slots.tryAcquire()) throw new BusyError(this.#name)
    const connection = this.#add(create)
    this.#bySession.set(session.id, connection)
    connection.followSession(session, () => {
      if (this.#bySession.get(session.id) !== connection) return
      this.#bySession.delete(session.id)
      this.#end(connection)
      this.#releaseSlot()
    })
    return connection
  }

  /**
   * Returns a connection for one call, an idle one with the same key or a new one, once there is a slot for it.
   * @throws BusyError where too many calls wait, or this one for longer than `connectTimeoutMs`; the reason of `signal`.
   */
  async lease({ key, signal, create }: LeaseRequest): Promise<Lease> {
    await this.#acquire(signal)
    const idle = this.#findIdle((other) => other.key === key)
    const connection = idle === undefined ? this.#add(create) : this.#take(idle)
    return this.#leaseOf(key, connection)
  }

  /** The same for a call whose connection no other call ever uses. Frequent keys have some initialized ahead. */
  async leaseFresh(request: LeaseRequest): Promise<Lease> {
    await this.#acquire(request.signal)
    const key = `fresh ${request.key}`
    const idle = this.#findIdle((other) => other.key === key)
    const connection = idle === undefined ? this.#add(request.create) : this.#take(idle)
    this.#openAhead(key, request.create)
    return {
      connection,
      release: () => {
        this.#end(connection)
        this.#releaseSlot()
      },
    }
  }

  /**
   * Returns the connection to the process with this id, once no other call uses it.
   * @throws ProtocolError -32602 where the process has ended; BusyError where that takes longer than `connectTimeoutMs`; as `lease` does.
   */
  async leaseById(openId: string, signal: CancelSignal): Promise<Lease> {
    await this.#acquire(signal)
    const deadline = Date.now() + this.#limits.connectTimeoutMs
    const isSought = (connection: UpstreamConnection): boolean => connection.connection.openId === openId
    for (;;) {
      const idle = this.#findIdle((other) => isSought(other.connection))
      if (idle !== undefined) return this.#leaseOf(idle.key, this.#take(idle))
      if (signal.aborted || ![...this.#all].some(isSought)) {
        this.#releaseSlot()
        if (signal.aborted) throw signal.reason
        throw invalidParams('The process that began this call has ended: call again')
      }
      await this.#changed(signal, deadline - Date.now())
      if (Date.now() < deadline) continue
      this.#releaseSlot()
      throw new BusyError(this.#name)
    }
  }

  async close(): Promise<void> {
    this.#slots.rejectWaiters(new ConnectionError('The proxy is closed', 'not begun'))
    for (let open = this.#bySession.size; open > 0; open--) this.#releaseSlot()
    this.#bySession.clear()
    this.#ahead.clear()
    for (const { timer } of this.#idle) clearTimeout(timer)
    this.#idle.clear()
    for (const connection of [...this.#all]) this.#end(connection)
    await this.#closing.settled()
  }

  async #acquire(signal: CancelSignal): Promise<void> {
    await this.#slots.acquire(signal, () => new BusyError(this.#name), this.#limits.connectTimeoutMs)
  }

  #releaseSlot(): void {
    this.#slots.release()
    this.#slots.releaseSocket()
  }

  #leaseOf(key: string, connection: UpstreamConnection): Lease {
    return {
      connection,
      release: ({ isReusable, isResumable }) => {
        if (isReusable && this.#all.has(connection)) this.#keep(key, connection, isResumable)
        else this.#end(connection)
        this.#releaseSlot()
      },
    }
  }

  /** @throws the error of `create`. The slot is returned then. */
  #add(create: () => UpstreamConnection): UpstreamConnection {
    // Idle connections of others may have to go.
    if (this.#all.size >= this.#limits.maxConnections) this.#closeOldestIdle()
    try {
      const connection = create()
      this.#all.add(connection)
      return connection
    } catch (error) {
      this.#releaseSlot()
      throw error
    }
  }

  #keep(key: string, connection: UpstreamConnection, isResumable: boolean): void {
    const idle: IdleConnection = { key, connection, timer: undefined }
    this.#idle.add(idle)
    if (this.#idle.size > MAX_IDLE) this.#closeOldestIdle()
    if (isResumable) connection.resumableUntil = Date.now() + RESUMABLE_MS
    const ms = Math.max(IDLE_MS, connection.resumableUntil - Date.now())
    idle.timer = setTimeout(() => {
      this.#take(idle)
      this.#end(connection)
    }, ms)
    ;(idle.timer as { unref?: () => void }).unref?.()
    this.#wake()
  }

  /** The latest is taken first, so that others are idle for long enough to be closed. */
  #findIdle(isSought: (idle: IdleConnection) => boolean): IdleConnection | undefined {
    let found: IdleConnection | undefined
    for (const idle of this.#idle) if (isSought(idle)) found = idle
    return found
  }

  #take(idle: IdleConnection): UpstreamConnection {
    clearTimeout(idle.timer)
    this.#idle.delete(idle)
    return idle.connection
  }

  #closeOldestIdle(): void {
    const [oldest] = this.#idle
    if (oldest !== undefined) this.#end(this.#take(oldest))
  }

  /** A key that comes again soon gets connections ahead, up to as many as its calls have taken. */
  #openAhead(key: string, create: () => UpstreamConnection): void {
    const { wanted: before = 0, usedAt = 0 } = this.#ahead.get(key) ?? {}
    const wanted = Date.now() - usedAt > IDLE_MS ? 0 : before
    this.#ahead.delete(key)
    this.#ahead.set(key, { wanted: Math.min(wanted + 1, MAX_AHEAD), usedAt: Date.now() })
    if (this.#ahead.size > MAX_AHEAD_KEYS) this.#ahead.delete(this.#ahead.keys().next().value as string)
    let ahead = 0
    for (const idle of this.#idle) if (idle.key === key) ahead += 1
    for (; ahead < wanted && this.#all.size < this.#limits.maxConnections; ahead++) {
      const connection = create()
      this.#all.add(connection)
      this.#keep(key, connection, false)
      connection.connection.open().catch(() => {
        const idle = this.#findIdle((other) => other.connection === connection)
        if (idle === undefined) return
        // A server that refuses sessions is not asked for more of them than calls need.
        this.#ahead.delete(key)
        this.#end(this.#take(idle))
      })
    }
  }

  /** Resolves when a connection is returned, or closed. */
  #changed(signal: CancelSignal, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  /** All that wait look again: the first takes what it waits for, the others wait on. */
  #wake(): void {
    for (const resolve of [...this.#waiting]) resolve()
  }

  #end(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    this.#wake()
    this.#closing.close(connection)
  }
}
