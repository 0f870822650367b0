import type { Opened } from '../client/connection.js'
import { Subscriptions } from '../client/subscriptions.js'
import type { Component, Stop } from '../components/component.js'
import { ConnectionError, ProtocolError } from '../errors.js'
import type { Agreement } from '../protocol/client-dialects.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { Change } from '../providers/changes.js'
import type { Eventually } from '../providers/provider.js'
import { backOff } from '../util/back-off.js'
import { ReconnectSchedule } from '../util/reconnect-schedule.js'
import { UpstreamListCache } from './list-cache.js'
import { RemoteComponents, type RemoteExecutor } from './remote-components.js'
import type { UpstreamConnection, UpstreamConnectionOptions } from './upstream-connection.js'
import type { UpstreamHealth } from './upstream-health.js'

/** How soon after it was opened the loss of a connection counts as a failure to open it, in milliseconds. */
const STABLE_MS = 5000

/** How long a list is waited for before the last one is used instead, in milliseconds. */
const LIST_TIMEOUT_MS = 5000

/** How long a server may take to answer a ping, in milliseconds. */
const PING_TIMEOUT_MS = 5000

export interface ControlConnectionOptions {
  readonly connect: (
    handlers: Pick<UpstreamConnectionOptions, 'onNotification' | 'onOpen' | 'onLost' | 'onResumed'>,
  ) => UpstreamConnection
  readonly executor: Omit<RemoteExecutor, 'watch'>
  readonly health: UpstreamHealth
  readonly subscribesToChanges: boolean
  /** Whether lists are fetched for each request, and not kept. */
  readonly isUncached: boolean
  /** Called when the server notifies of a changed list. */
  readonly onListChanged?: (() => void) | undefined
  readonly timeoutMs: number
  readonly onChange: (change: Change) => void
  readonly onWarning: (problem: string, error?: unknown) => void
  /** Called with the server's information each time the connection has been opened. */
  readonly onAgreement: (agreement: Agreement) => void
}

/**
 * The connection over which a proxy fetches the lists of a server and subscribes to changes. Calls that need no connection
 * of their own run over it as well.
 */
export class ControlConnection {
  readonly upstream: UpstreamConnection
  /** How often the server has notified of a changed list on this connection. */
  listChanges = 0
  /** Called after each. */
  readonly followers = new Set<() => void>()
  readonly #options: ControlConnectionOptions
  readonly #lists: UpstreamListCache
  readonly #subscriptions: Subscriptions
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #closing = new AbortController()
  readonly #executor: RemoteExecutor
  #components: RemoteComponents | undefined
  /** Decides when the server is tried again, whatever asks for it. */
  readonly #schedule = new ReconnectSchedule()
  #opening: Promise<Agreement> | undefined
  #openedAt = 0
  #isKept = false
  #isRecovering = false
  #hasBeenOpen = false

  constructor(options: ControlConnectionOptions) {
    this.#options = options
    this.#executor = { ...options.executor, watch: (uri, changed) => this.watch(uri, changed) }
    this.upstream = options.connect({
      onNotification: (...notification) => this.#subscriptions.notified(...notification),
      onOpen: (connection) => this.#opened(connection),
      onResumed: () => {
        this.#missed()
      },
      onLost: () => {
        this.#lost()
      },
    })
    this.#subscriptions = new Subscriptions(() => this.upstream.connection, options.subscribesToChanges, {
      listChanged: (method) => {
        this.listChanges += 1
        for (const follower of this.followers) follower()
        options.onListChanged?.()
        for (const kind of COMPONENT_KINDS) if (KINDS[kind].listChanged === method) this.#changed(kind)
      },
      resourceUpdated: (uri) => {
        for (const changed of [...(this.#watchers.get(uri) ?? [])]) changed()
      },
    })
    this.#lists = new UpstreamListCache({
      page: async (method, params, via) => {
        this.upstream.hold()
        try {
          await this.open()
          return await this.upstream.connection.request(method, params, {
            timeoutMs: via === undefined ? options.timeoutMs : LIST_TIMEOUT_MS,
            headers: via === undefined ? undefined : { ...this.upstream.headers, via },
          })
        } finally {
          this.upstream.letGo()
        }
      },
      hasChangeNotifications: (kind) => this.#hasChangeNotifications(kind),
      make: (kind, definition) => this.#made().make(kind, definition),
      onUnusable: options.onWarning,
      onChange: (kind) => {
        options.onChange({ type: 'listChanged', kind })
      },
    })
  }

  /** The server's information, while the connection is open. */
  get agreement(): Agreement | undefined {
    return this.upstream.connection.agreement
  }

  /** Keeps the connection open from now on. */
  keepOpen(): void {
    if (this.#isKept) return
    this.#isKept = true
    void this.recover()
  }

  /** Opens the connection, unless it is open. @throws the last error, where the schedule allows no attempt yet. */
  open(): Eventually<Agreement> {
    const { agreement } = this.upstream.connection
    if (agreement !== undefined) return agreement
    const failure = this.#schedule.recentFailure
    if (failure !== undefined) throw asNotSent(failure.error)
    return this.#open()
  }

  /**
   * Returns a list; the last one where the server is unavailable now.
   * @param via the proxies that the request came through, which may be led back to them: nothing is kept then
   * @throws ConnectionError where the server has never been available.
   */
  list<K extends ComponentKind>(kind: K, via?: string): Eventually<readonly Component<K>[]> {
    if (via !== undefined || this.#options.isUncached) return this.#listUncached(kind, via)
    const list = this.#lists.list(kind)
    if (!(list instanceof Promise)) return list
    return this.#soon(kind, list).catch((error: unknown) => {
      // Its components stay listed, so that calls are told what is wrong.
      if (!this.#hasBeenOpen || (error instanceof ProtocolError && !this.#lists.isKnown(kind))) throw error
      this.#options.onWarning(`The list of ${KINDS[kind].label}s could not be fetched`, error)
      return this.#lists.stale(kind)
    })
  }

  /** Returns a component; a resource whether it is listed or not. @throws ConnectionError where the server is unavailable. */
  find<K extends ComponentKind>(kind: K, key: string): Eventually<Component<K> | undefined> {
    const found = this.#lists.find(kind, key)
    if (!(found instanceof Promise)) return found ?? this.#unlisted(kind, key)
    return found
      .catch((error: unknown) => {
        const last = this.#lists.staleEntry(kind, key)
        // A server that lists nothing may have it nevertheless.
        if (last === undefined && !(error instanceof ProtocolError)) throw error
        return last
      })
      .then((listed) => listed ?? this.#unlisted(kind, key))
  }

  /** Tries until the server answers, if the connection is to be open. No other loop does. */
  async recover(): Promise<void> {
    if (this.#isRecovering || !this.#isWanted) return
    this.#isRecovering = true
    const { signal } = this.#closing
    try {
      while (!signal.aborted && !this.#isUp && this.#isWanted) {
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
    this.upstream.connection.replace()
    void this.recover()
  }

  /** Closes it when no call runs over it any more. */
  retire(): void {
    this.ended()
    this.upstream.retire()
  }

  /** The connection is being closed: nothing is subscribed to any more. */
  ended(): void {
    this.#closing.abort(new Error('The connection is closed'))
    this.#subscriptions.close()
  }

  async close(): Promise<void> {
    this.ended()
    await this.upstream.close()
  }

  #listUncached<K extends ComponentKind>(kind: K, via?: string): Promise<readonly Component<K>[]> {
    return this.#lists.listUncached(kind, via).catch((error: unknown) => {
      if (!this.#hasBeenOpen) throw error
      return this.#lists.stale(kind)
    })
  }

  /** A list that takes long is not waited for: the last one is used, and its arrival is announced as a change. */
  #soon<K extends ComponentKind>(
    kind: K,
    list: Promise<readonly Component<K>[]>,
  ): Promise<readonly Component<K>[]> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        resolve(this.#lists.stale(kind))
      }, LIST_TIMEOUT_MS)
      list
        .then((listed) => {
          resolve(listed)
          if (isLate) this.#options.onChange({ type: 'listChanged', kind })
        })
        .catch(reject)
        .finally(() => {
          clearTimeout(timer)
        })
    })
  }

  /** Whether it is to be open without a request: from the beginning, or for subscriptions. */
  get #isWanted(): boolean {
    return this.#isKept || this.#watchers.size > 0
  }

  get #isUp(): boolean {
    return this.agreement !== undefined && this.#options.health.state !== 'unavailable'
  }

  /** Opens the connection, or sends a ping over it. */
  async #check(): Promise<void> {
    const { connection } = this.upstream
    const { agreement } = connection
    if (agreement === undefined) {
      await this.#open().catch(() => undefined)
      return
    }
    try {
      await connection.request(agreement.dialect.ping, {}, { timeoutMs: PING_TIMEOUT_MS })
      this.#succeeded()
    } catch (error) {
      this.#failed(error)
    }
  }

  #unlisted<K extends ComponentKind>(kind: K, key: string): Eventually<Component<K> | undefined> {
    if (kind !== 'resource') return undefined
    const found = (templates: readonly Component<'resourceTemplate'>[]): Component<K> =>
      this.#made().unlisted(key, templates) as Component as Component<K>
    const templates = this.list('resourceTemplate')
    if (!(templates instanceof Promise)) return found(templates)
    return templates.then(found, (error: unknown) => {
      if (error instanceof ProtocolError) return found([])
      throw error
    })
  }

  #open(): Promise<Agreement> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openNow(): Promise<Agreement> {
    this.#options.health.markConnecting()
    try {
      const agreement = await this.upstream.connection.open()
      this.#openedAt = Date.now()
      this.#succeeded()
      return agreement
    } catch (error) {
      this.#failed(error)
      throw asNotSent(error)
    }
  }

  #succeeded(): void {
    this.#schedule.succeeded()
    this.#options.health.markConnected()
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return
    this.#schedule.failed(error)
    this.#options.health.markUnavailable(error)
  }

  #lost(): void {
    if (this.#closing.signal.aborted) return
    const error = new ConnectionError('The connection was lost', 'not begun')
    if (Date.now() - this.#openedAt < STABLE_MS) this.#failed(error)
    else {
      this.#schedule.reset()
      this.#options.health.markUnavailable(error)
    }
    void this.recover()
  }

  /** The server may be another one than before, so that nothing is kept of it. */
  async #opened(connection: Opened): Promise<void> {
    this.#components = undefined
    this.#options.onAgreement(connection.agreement)
    await this.#subscriptions.restore(connection)
    // Requests while it was away were told that there is nothing.
    if (this.#hasBeenOpen || this.#schedule.hasFailed) this.#missed()
    this.#hasBeenOpen = true
  }

  #missed(): void {
    for (const kind of COMPONENT_KINDS) this.#changed(kind)
    for (const changed of [...this.#watchers.values()].flatMap((watchers) => [...watchers])) changed()
  }

  #changed(kind: ComponentKind): void {
    this.#lists.drop(kind)
    this.#options.onChange({ type: 'listChanged', kind })
  }

  /** Whether the server notifies of changes to lists of a kind, and its notifications arrive now. */
  #hasChangeNotifications(kind: ComponentKind): boolean {
    if (!this.#subscriptions.isListening) return false
    const { tools, resources, prompts } = this.agreement?.capabilities ?? {}
    if (kind === 'tool') return tools?.listChanged === true
    return (kind === 'prompt' ? prompts : resources)?.listChanged === true
  }

  #made(): RemoteComponents {
    return (this.#components ??= new RemoteComponents(this.#executor, this.agreement?.capabilities ?? {}))
  }

  /** Subscribes to a resource. */
  async watch(uri: string, changed: () => void): Promise<Stop> {
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

/** Returns the error of a call that was not sent, since a request before it failed, whatever became of that request. */
export function asNotSent(error: unknown): unknown {
  const isUnknown = error instanceof ConnectionError && error.outcome === 'unknown'
  return isUnknown ? new ConnectionError(error.message, 'not begun', error) : error
}
