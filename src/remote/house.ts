import { backOff } from '../client/back-off.js'
import type { Opened } from '../client/connection.js'
import type { Agreement } from '../client/negotiation.js'
import { Subscriptions } from '../client/subscriptions.js'
import type { Component, Stop } from '../components/component.js'
import { ConnectionError } from '../errors.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { Change } from '../providers/changes.js'
import type { Eventually } from '../providers/provider.js'
import type { Health } from './health.js'
import type { Link } from './link.js'
import { RemoteComponents, type Elsewhere } from './remote-components.js'
import { RemoteLists } from './remote-lists.js'

/** How soon after a failure it is tried again because somebody asks, and after many in a row, in milliseconds. */
const PATIENCE_MS = 500
const MAX_PATIENCE_MS = 10_000

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
  #failure: { readonly error: unknown; readonly at: number } | undefined
  #failures = 0
  #openedAt = 0
  #isKept = false
  #isProbing = false
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
          headers: via === undefined ? undefined : { via },
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
    void this.#keep()
  }

  /** What was agreed on; opens the connection first, if it is not open. Just after that has failed it is not tried again. */
  open(): Eventually<Agreement> {
    const { agreement } = this.link.connection
    if (agreement !== undefined) return agreement
    const patience = Math.min(PATIENCE_MS * 2 ** (this.#failures - 1), MAX_PATIENCE_MS)
    if (this.#failure !== undefined && Date.now() - this.#failure.at < patience) throw this.#failure.error
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

  /** See again and again whether it answers, until it does. */
  async probe(): Promise<void> {
    if (this.#isProbing || !this.#isKept) return
    this.#isProbing = true
    const { signal } = this.#closing
    try {
      for (let attempt = 0; !signal.aborted && this.#options.health.state === 'unavailable'; attempt++) {
        await backOff(attempt, signal)
        await this.#ask().catch(() => undefined)
      }
    } catch {
      // It is closed.
    } finally {
      this.#isProbing = false
    }
  }

  async #ask(): Promise<void> {
    const { connection } = this.link
    const { era } = connection.agreement ?? (await this.#open())
    await connection.request(
      era === '2025-11-25' ? 'ping' : 'server/discover',
      {},
      { timeoutMs: PROBE_TIMEOUT_MS },
    )
    this.#options.health.connected()
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

  async #open(): Promise<Agreement> {
    const { health } = this.#options
    health.connecting()
    try {
      const agreement = await this.link.connection.open()
      this.#failure = undefined
      this.#openedAt = Date.now()
      health.connected()
      return agreement
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  #failed(error: unknown): void {
    this.#failures += 1
    this.#failure = { error, at: Date.now() }
    this.#options.health.failed(error)
  }

  #lost(): void {
    const error = new ConnectionError('The connection was lost', 'not begun')
    if (Date.now() - this.#openedAt < STABLE_MS) this.#failed(error)
    else {
      this.#failures = 0
      this.#options.health.failed(error)
    }
    if (this.#isKept) void this.#keep()
  }

  /** Try until it is open. */
  async #keep(): Promise<void> {
    const { signal } = this.#closing
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#open()
        return
      } catch {
        await backOff(attempt, signal).catch(() => undefined)
      }
    }
  }

  /** It may be another one than before: whatever was known of it may be otherwise now. */
  async #opened(connection: Opened): Promise<void> {
    this.#components = undefined
    await this.#subscriptions.restore(connection)
    // Who asked while it was away was told that there is nothing.
    if (this.#hasBeenOpen || this.#failure !== undefined) this.#missed()
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
