import type { Opened } from '../client/connection.js'
import type { Agreement } from '../client/negotiation.js'
import { Subscriptions } from '../client/subscriptions.js'
import type { Component, Stop } from '../components/component.js'
import { ConnectionError } from '../errors.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { Change } from '../providers/changes.js'
import type { Eventually } from '../providers/provider.js'
import { backOff } from '../util/back-off.js'
import { ReconnectSchedule } from '../util/reconnect-schedule.js'
import type { Health } from './health.js'
import type { Link } from './link.js'
import { RemoteComponents, type Elsewhere } from './remote-components.js'
import { RemoteLists } from './remote-lists.js'

/** How soon after it was opened the loss of a connection counts as a failure to open it, in milliseconds. */
const STABLE_MS = 5000

/** How long a list is waited for before what was last known has to do, and an answer that shows that a server is there, in milliseconds. */
const LIST_PATIENCE_MS = 5000
const PROBE_TIMEOUT_MS = 5000

interface HouseOptions {
  readonly makeLink: (
    handlers: Pick<
      ConstructorParameters<typeof Link>[1],
      'onNotification' | 'onOpen' | 'onLost' | 'onResumed'
    >,
  ) => Link
  readonly elsewhere: Omit<Elsewhere, 'watch'>
  readonly health: Health
  /** Whether it is to tell of changes. */
  readonly listens: boolean
  readonly timeoutMs: number
  readonly onHeard: (change: Change) => void
  readonly onProblem: (problem: string, error?: unknown) => void
}

/**
 * The connection over which a proxy finds out what a server has and hears what changes, on its
 * own account; all that needs no session of its own runs over it as well.
 */
export class House {
  readonly link: Link
  readonly #options: HouseOptions
  readonly #lists: RemoteLists
  readonly #subscriptions: Subscriptions
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #closing = new AbortController()
  readonly #elsewhere: Elsewhere
  #components: RemoteComponents | undefined
  /** Every attempt to reach the server goes by it. */
  readonly #schedule = new ReconnectSchedule()
  #opening: Promise<Agreement> | undefined
  #openedAt = 0
  #isKept = false
  #isRecovering = false
  #hasBeenOpen = false

  constructor(options: HouseOptions) {
    this.#options = options
    this.#elsewhere = { ...options.elsewhere, watch: (uri, changed) => this.#watch(uri, changed) }
    this.link = options.makeLink({
      onNotification: (...told) => this.#subscriptions.notified(...told),
      onOpen: (connection) => this.#opened(connection),
      onResumed: () => {
        this.#missed()
      },
      onLost: () => {
        this.#lost()
      },
    })
    this.#subscriptions = new Subscriptions(() => this.link.connection, options.listens, {
      listChanged: (method) => {
        for (const kind of COMPONENT_KINDS) if (KINDS[kind].listChanged === method) this.#changed(kind)
      },
      resourceUpdated: (uri) => {
        for (const changed of [...(this.#watchers.get(uri) ?? [])]) changed()
      },
    })
    this.#lists = new RemoteLists({
      page: async (method, params, via) => {
        await this.open()
        return this.link.connection.request(method, params, {
          timeoutMs: via === undefined ? options.timeoutMs : LIST_PATIENCE_MS,
          headers: via === undefined ? undefined : { ...this.link.headers, via },
        })
      },
      tellsOf: (kind) => this.#tellsOf(kind),
      make: (kind, definition) => this.#made().make(kind, definition),
      onUnusable: options.onProblem,
      onChange: (kind) => {
        options.onHeard({ type: 'listChanged', kind })
      },
    })
  }

  /** Keep the connection open from now on, whatever happens to it. */
  keepOpen(): void {
    if (this.#isKept) return
    this.#isKept = true
    void this.recover()
  }

  /** What was agreed on; opens the connection first, if it is not open. Just after that has failed it is not tried again. */
  open(): Eventually<Agreement> {
    const { agreement } = this.link.connection
    if (agreement !== undefined) return agreement
    const failure = this.#schedule.recentFailure
    if (failure !== undefined) throw failure.error
    return this.#open()
  }

  /** @throws ConnectionError where it cannot be asked and was never known. */
  list<K extends ComponentKind>(kind: K): Eventually<readonly Component<K>[]> {
    const list = this.#lists.list(kind)
    if (!(list instanceof Promise)) return list
    return this.#soon(kind, list).catch((error: unknown) => {
      // What it had is still its own, so that calls are told what is wrong.
      if (!this.#hasBeenOpen) throw error
      this.#options.onProblem(`The list of ${KINDS[kind].label}s could not be had`, error)
      return this.#lists.last(kind)
    })
  }

  /** The same for a request that came through other proxies. */
  listFor<K extends ComponentKind>(kind: K, via: string): Promise<readonly Component<K>[]> {
    return this.#lists.listFor(kind, via).catch((error: unknown) => {
      if (!this.#hasBeenOpen) throw error
      return this.#lists.last(kind)
    })
  }

  find<K extends ComponentKind>(kind: K, key: string): Eventually<Component<K> | undefined> {
    const found = this.#lists.find(kind, key)
    if (!(found instanceof Promise)) return found ?? this.#unlisted(kind, key)
    return found
      .catch((error: unknown) => {
        const last = this.#lists.lastFound(kind, key)
        if (last === undefined) throw error
        return last
      })
      .then((listed) => listed ?? this.#unlisted(kind, key))
  }

  /** A list that takes long is not waited for: what was last known is given, and when it comes, it is told that it is another. */
  #soon<K extends ComponentKind>(
    kind: K,
    list: Promise<readonly Component<K>[]>,
  ): Promise<readonly Component<K>[]> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        resolve(this.#lists.last(kind))
      }, LIST_PATIENCE_MS)
      list
        .then((listed) => {
          resolve(listed)
          if (isLate) this.#options.onHeard({ type: 'listChanged', kind })
        }, reject)
        .finally(() => {
          clearTimeout(timer)
        })
    })
  }

  /** Tries until the server answers, if the connection is kept open: the only loop that does. */
  async recover(): Promise<void> {
    if (this.#isRecovering || !this.#isKept) return
    this.#isRecovering = true
    const { signal } = this.#closing
    try {
      while (!signal.aborted && !this.#isUp) {
        await backOff(0, signal, this.#schedule.waitMs)
        // A request may have found it in the meantime, or have failed just now.
        if (!this.#isUp && this.#schedule.waitMs === 0) await this.#check()
      }
    } catch {
      // The proxy is closed.
    } finally {
      this.#isRecovering = false
    }
  }

  /** Replaces the connection, on whose other side an abandoned call may still be running. */
  replace(): void {
    this.link.connection.replace()
    void this.recover()
  }

  get #isUp(): boolean {
    return this.link.connection.agreement !== undefined && this.#options.health.state !== 'unavailable'
  }

  /** Opens the connection, or sees whether the server answers over it. */
  async #check(): Promise<void> {
    const { connection } = this.link
    const { agreement } = connection
    if (agreement === undefined) {
      await this.#open().catch(() => undefined)
      return
    }
    const method = agreement.era === '2025-11-25' ? 'ping' : 'server/discover'
    try {
      await connection.request(method, {}, { timeoutMs: PROBE_TIMEOUT_MS })
      this.#succeeded()
    } catch (error) {
      this.#failed(error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The proxy is closed'))
    this.#subscriptions.close()
    await this.link.close()
  }

  #unlisted<K extends ComponentKind>(kind: K, key: string): Eventually<Component<K> | undefined> {
    if (kind !== 'resource') return undefined
    const found = (templates: readonly Component<'resourceTemplate'>[]): Component<K> =>
      this.#made().unlisted(key, templates) as Component as Component<K>
    const templates = this.list('resourceTemplate')
    return templates instanceof Promise ? templates.then(found) : found(templates)
  }

  #open(): Promise<Agreement> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openNow(): Promise<Agreement> {
    this.#options.health.connecting()
    try {
      const agreement = await this.link.connection.open()
      this.#openedAt = Date.now()
      this.#succeeded()
      return agreement
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  #succeeded(): void {
    this.#schedule.succeeded()
    this.#options.health.connected()
  }

  #failed(error: unknown): void {
    this.#schedule.failed(error)
    this.#options.health.failed(error)
  }

  #lost(): void {
    const error = new ConnectionError('The connection was lost', 'not begun')
    if (Date.now() - this.#openedAt < STABLE_MS) this.#failed(error)
    else {
      this.#schedule.reset()
      this.#options.health.failed(error)
    }
    void this.recover()
  }

  /** It may be another one than before: whatever was known of it may be otherwise now. */
  async #opened(connection: Opened): Promise<void> {
    this.#components = undefined
    await this.#subscriptions.restore(connection)
    // Who asked while it was away was told that there is nothing.
    if (this.#hasBeenOpen || this.#schedule.hasFailed) this.#missed()
    this.#hasBeenOpen = true
  }

  #missed(): void {
    for (const kind of COMPONENT_KINDS) this.#changed(kind)
    for (const changed of [...this.#watchers.values()].flatMap((watchers) => [...watchers])) changed()
  }

  #changed(kind: ComponentKind): void {
    this.#lists.drop(kind)
    this.#options.onHeard({ type: 'listChanged', kind })
  }

  /** Whether the server says it tells of changes, and is heard now. */
  #tellsOf(kind: ComponentKind): boolean {
    const { connection } = this.link
    const { tools, resources, prompts } = connection.agreement?.capabilities ?? {}
    const isHeard =
      connection.agreement?.era === '2026-07-28' ? this.#subscriptions.isListening : connection.hears
    if (!isHeard) return false
    if (kind === 'tool') return tools?.listChanged === true
    return (kind === 'prompt' ? prompts : resources)?.listChanged === true
  }

  #made(): RemoteComponents {
    const { agreement } = this.link.connection
    return (this.#components ??= new RemoteComponents(this.#elsewhere, agreement?.capabilities ?? {}))
  }

  async #watch(uri: string, changed: () => void): Promise<Stop> {
    const watchers = this.#watchers.get(uri) ?? new Set()
    this.#watchers.set(uri, watchers.add(changed))
    const forget = (): void => {
      watchers.delete(changed)
      if (watchers.size === 0) this.#watchers.delete(uri)
    }
    await this.#subscriptions.add(uri).catch((error: unknown) => {
      forget()
      throw error
    })
    return async () => {
      forget()
      await this.#subscriptions.delete(uri)
    }
  }
}
