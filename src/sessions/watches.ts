import type { Stop, Watch } from '../components/component.js'
import type { Caller, Scope } from '../components/context.js'
import type { Provider } from '../providers/provider.js'
import type { Access } from '../router/access.js'
import type { Logger } from '../runtime/logger.js'

/** Gives who wants to hear of a resource, as of now. */
export type Listener = () => Caller | undefined

/** A source that is watched for as long as somebody wants that. */
interface Source {
  readonly watch: Watch
  users: number
  isWatched: boolean
  stop: Stop | void
  /** How often in a row it could not be watched. */
  failures: number
  retry: ReturnType<typeof setTimeout> | undefined
  /** What is under way, one after the other: starts and stops. */
  work: Promise<void>
}

interface Watched {
  readonly uri: string
  /** Who wants to hear of it, and of which source that is for each: what is found depends on who looks. */
  readonly listeners: Map<Listener, Source | undefined>
  readonly sources: Map<object, Source>
}

/** How long who wants to hear of a resource waits until its source is heard, in milliseconds. */
const PATIENCE_MS = 1000

/** How soon a source that could not be watched is tried again, and after many failures, in milliseconds. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 60_000

/** Has the sources of resources watched while somebody wants to hear of them who may, and no longer. */
export class Watches {
  readonly #provider: Provider
  readonly #access: Access
  readonly #notify: Scope['notifyResourceUpdated']
  readonly #logger: Logger
  readonly #watched = new Map<string, Watched>()
  readonly #work = new Set<Promise<void>>()
  #isScheduled = false

  constructor(provider: Provider, access: Access, notify: Scope['notifyResourceUpdated'], logger: Logger) {
    this.#provider = provider
    this.#access = access
    this.#notify = notify
    this.#logger = logger
    provider.subscribe((change) => {
      if (change.type === 'listChanged' && (change.kind === 'resource' || change.kind === 'resourceTemplate'))
        this.#schedule()
    })
  }

  /** Somebody wants to hear of a resource. Resolves when what comes is heard, or soon where its source takes long. */
  add(uri: string, listener: Listener): Promise<void> {
    const known = this.#watched.get(uri)
    const watched: Watched = known ?? { uri, listeners: new Map(), sources: new Map() }
    this.#watched.set(uri, watched)
    watched.listeners.set(listener, undefined)
    const following = this.#follow(watched, listener)
    return atMost(
      PATIENCE_MS,
      following.then(() => watched.listeners.get(listener)?.work),
    )
  }

  /** One who wanted to hear of it does not any more. */
  delete(uri: string, listener: Listener): void {
    const watched = this.#watched.get(uri)
    if (watched === undefined) return
    const source = watched.listeners.get(listener)
    watched.listeners.delete(listener)
    if (source !== undefined) this.#leave(watched, source)
    this.#forget(watched)
  }

  /** Resolves when every source that nobody wants any more has been let go. */
  async settled(): Promise<void> {
    await Promise.all(this.#work)
  }

  /** Resources have come or gone: what is watched may be another now, once for all that changed in this turn. */
  #schedule(): void {
    if (this.#isScheduled || this.#watched.size === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      for (const watched of this.#watched.values())
        for (const listener of watched.listeners.keys()) void this.#follow(watched, listener)
    })
  }

  /** Have the source watched that somebody finds now. */
  #follow(watched: Watched, listener: Listener): Promise<void> {
    return this.#working(watched, async () => {
      const { watch } = (await this.#access.findToHear(this.#provider, watched.uri, listener())) ?? {}
      if (!watched.listeners.has(listener)) return
      const before = watched.listeners.get(listener)
      if (before !== undefined && before.watch.source === watch?.source) {
        if (!before.isWatched) this.#adjust(watched, before)
        return
      }
      if (before !== undefined) this.#leave(watched, before)
      watched.listeners.set(listener, watch && this.#use(watched, watch))
    })
  }

  #use(watched: Watched, watch: Watch): Source {
    const known = watched.sources.get(watch.source)
    const source = known ?? {
      watch,
      users: 0,
      isWatched: false,
      stop: undefined,
      failures: 0,
      retry: undefined,
      work: Promise.resolve(),
    }
    watched.sources.set(watch.source, source)
    source.users += 1
    this.#adjust(watched, source)
    return source
  }

  #leave(watched: Watched, source: Source): void {
    source.users -= 1
    this.#adjust(watched, source)
  }

  /** Start or stop watching a source, as somebody wants to hear of it or nobody does by then. */
  #adjust(watched: Watched, source: Source): void {
    clearTimeout(source.retry)
    source.work = this.#working(watched, async () => {
      await source.work
      const isWanted = source.users > 0
      if (isWanted !== source.isWatched) await (isWanted ? this.#start(watched, source) : this.#stop(source))
      if (source.users > 0 || watched.sources.get(source.watch.source) !== source) return
      watched.sources.delete(source.watch.source)
      this.#forget(watched)
    })
  }

  async #start(watched: Watched, source: Source): Promise<void> {
    source.isWatched = true
    try {
      source.stop = await source.watch.start(() => {
        if (source.isWatched && source.users > 0) this.#notify(watched.uri, source.watch.sessionId)
      })
      source.failures = 0
    } catch (error) {
      source.isWatched = false
      const delay = Math.min(RETRY_MS * 2 ** source.failures, MAX_RETRY_MS)
      source.failures += 1
      source.retry = setTimeout(() => {
        if (source.users > 0) this.#adjust(watched, source)
      }, delay)
      ;(source.retry as { unref?: () => void }).unref?.()
      throw error
    }
  }

  async #stop(source: Source): Promise<void> {
    const { stop } = source
    source.isWatched = false
    source.stop = undefined
    await stop?.()
  }

  #forget({ uri, listeners, sources }: Watched): void {
    const isOver = listeners.size === 0 && sources.size === 0
    if (isOver && this.#watched.get(uri)?.listeners === listeners) this.#watched.delete(uri)
  }

  /** Do something that may fail, which the logger is told. */
  #working(watched: Watched, step: () => Promise<void>): Promise<void> {
    const work = step()
      .catch((error: unknown) => {
        this.#logger.error(`Watching resource '${watched.uri}' failed`, error)
      })
      .finally(() => this.#work.delete(work))
    this.#work.add(work)
    return work
  }
}

function atMost(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void work.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
