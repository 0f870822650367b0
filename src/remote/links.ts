import type { Context, RelaySession } from '../components/context.js'
import { BusyError, ConnectionError } from '../errors.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import { Semaphore } from '../util/semaphore.js'
import { Ending } from './ending.js'
import type { Link, LinkFor } from './link.js'
import type { Limits } from './options.js'

/** How long a connection that nobody uses is kept for the next, in milliseconds. */
const IDLE_MS = 60_000

/** How many are kept so. */
const MAX_IDLE = 256

/** A connection in use by one call. */
interface Lease {
  readonly link: Link
  /** `isClean`: whether nothing of what ran on it can still be running. */
  readonly release: (isClean: boolean) => void
}

interface Kept {
  readonly link: Link
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Makes a link for somebody; it is opened by its first request. */
type MakeLink = (linkFor: LinkFor, context: Context) => Link

/**
 * The connections to one server: one for each session in front, which ends with it, and for
 * calls that come without a session one for each at a time, kept for the next.
 */
export class Links {
  readonly #name: string
  readonly #make: MakeLink
  readonly #limits: Limits
  /** Sessions and calls that have a connection for themselves, and calls that wait for one. */
  readonly #turns: Semaphore
  readonly #bySession = new Map<string, Link>()
  readonly #idle = new Map<string, Kept[]>()
  readonly #all = new Set<Link>()
  #idleCount = 0
  readonly #ending = new Ending()

  constructor(name: string, make: MakeLink, limits: Limits) {
    this.#name = name
    this.#make = make
    this.#limits = limits
    this.#turns = new Semaphore({ limit: limits.maxConnections, queueLimit: limits.maxQueue })
  }

  get size(): number {
    return this.#all.size
  }

  /** Whether a session in front has a connection. */
  has(session: RelaySession): boolean {
    return this.#bySession.has(session.id)
  }

  /** The connection that belongs to a session in front. */
  ofSession(session: RelaySession, context: Context): Link {
    return this.#bySession.get(session.id) ?? this.#forSession(session, context)
  }

  /**
   * A connection for one call alone, once there is one; `key` tells those apart that nobody else may use.
   * @throws BusyError where too many wait for one, or for too long; the reason of `signal`.
   */
  async forCall(key: string, context: Context, signal: CancelSignal): Promise<Lease> {
    const busy = (): Error => new BusyError(this.#name)
    await this.#turns.acquire(signal, busy, this.#limits.connectTimeoutMs)
    const kept = this.#idle.get(key)?.at(-1)
    if (kept !== undefined) this.#forget(key, kept)
    const link = kept?.link ?? this.#add('one at a time', context)
    return {
      link,
      release: (isClean) => {
        if (isClean && this.#all.has(link)) this.#keep(key, link)
        else this.#end(link)
        this.#turns.release()
      },
    }
  }

  async close(): Promise<void> {
    this.#turns.rejectWaiters(new ConnectionError('The proxy is closed', 'not begun'))
    const links = [...this.#all]
    this.#bySession.clear()
    for (const { timer } of [...this.#idle.values()].flat()) clearTimeout(timer)
    this.#idle.clear()
    this.#idleCount = 0
    for (const link of links) this.#end(link)
    await this.#ending.settled()
  }

  #forSession(session: RelaySession, context: Context): Link {
    if (!this.#turns.tryAcquire()) throw new BusyError(this.#name)
    const link = this.#add({ session }, context)
    this.#bySession.set(session.id, link)
    let unfollow = (): void => undefined
    unfollow = session.follow({
      ended: () => {
        unfollow()
        if (this.#bySession.get(session.id) === link) this.#bySession.delete(session.id)
        this.#end(link)
        this.#turns.release()
      },
      rootsChanged: () => {
        link.connection.notify('notifications/roots/list_changed')
      },
    })
    return link
  }

  #add(linkFor: LinkFor, context: Context): Link {
    // Who has his turn gets one: those of others may have to go that nobody uses.
    if (this.#all.size >= this.#limits.maxConnections) this.#dropOneIdle()
    try {
      const link = this.#make(linkFor, context)
      this.#all.add(link)
      return link
    } catch (error) {
      this.#turns.release()
      throw error
    }
  }

  #keep(key: string, link: Link): void {
    const kept: Kept = { link, timer: undefined }
    const idle = this.#idle.get(key) ?? []
    this.#idle.set(key, [...idle, kept])
    this.#idleCount += 1
    if (this.#idleCount > MAX_IDLE) this.#dropOneIdle()
    kept.timer = setTimeout(() => {
      this.#forget(key, kept)
      this.#end(link)
    }, IDLE_MS)
    ;(kept.timer as { unref?: () => void }).unref?.()
  }

  #forget(key: string, kept: Kept): void {
    clearTimeout(kept.timer)
    this.#idleCount -= 1
    const rest = (this.#idle.get(key) ?? []).filter((other) => other !== kept)
    if (rest.length === 0) this.#idle.delete(key)
    else this.#idle.set(key, rest)
  }

  #dropOneIdle(): void {
    const [key, [kept] = []] = [...this.#idle].find(([, list]) => list.length > 0) ?? []
    if (key === undefined || kept === undefined) return
    this.#forget(key, kept)
    this.#end(kept.link)
  }

  #end(link: Link): void {
    this.#all.delete(link)
    this.#ending.end(link)
  }
}
