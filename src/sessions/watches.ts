import type { Stop, Watch } from '../components/component.js'
import type { Caller } from '../components/context.js'
import type { Provider } from '../providers/provider.js'
import type { Access } from '../router/access.js'
import type { Logger } from '../runtime/logger.js'

/** A source that is watched, and for how many. */
interface Source {
  users: number
  stop: Stop | void
}

interface Watched {
  readonly uri: string
  /** Who wants to hear of it, and of which source that is for each: what is found depends on who looks. */
  readonly listeners: Map<Listener, object | undefined>
  readonly sources: Map<object, Source>
  /** What is under way, one after the other: starts and stops. */
  work: Promise<void>
}

/** Gives who wants to hear of a resource, as of now. */
export type Listener = () => Caller | undefined

/** How long who wants to hear of a resource waits until its source is heard, in milliseconds. */
const PATIENCE_MS = 1000

/** Has the sources of resources watched while somebody wants to hear of them who may, and no longer. */
export class Watches {
  readonly #provider: Provider
  readonly #access: Access
  readonly #notify: (uri: string) => void
  readonly #logger: Logger
  readonly #watched = new Map<string, Watched>()
  readonly #work = new Set<Promise<void>>()
  #isScheduled = false

  constructor(provider: Provider, access: Access, notify: (uri: string) => void, logger: Logger) {
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
    const watched = this.#watched.get(uri) ?? this.#begin(uri)
    watched.listeners.set(listener, undefined)
    this.#then(watched, () => this.#follow(watched, listener))
    return atMost(PATIENCE_MS, watched.work)
  }

  /** One who wanted to hear of it does not any more. */
  delete(uri: string, listener: Listener): void {
    const watched = this.#watched.get(uri)
    if (watched === undefined) return
    const source = watched.listeners.get(listener)
    watched.listeners.delete(listener)
    if (watched.listeners.size === 0) this.#watched.delete(uri)
    if (source !== undefined) this.#then(watched, () => this.#leave(watched, source))
  }

  /** Resolves when every source that nobody wants any more has been let go. */
  async settled(): Promise<void> {
    await Promise.all(this.#work)
  }

  #begin(uri: string): Watched {
    const watched: Watched = { uri, listeners: new Map(), sources: new Map(), work: Promise.resolve() }
    this.#watched.set(uri, watched)
    return watched
  }

  /** Resources have come or gone: what is watched may be another now, once for all that changed in this turn. */
  #schedule(): void {
    if (this.#isScheduled || this.#watched.size === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      for (const watched of this.#watched.values())
        this.#then(watched, async () => {
          for (const listener of [...watched.listeners.keys()]) await this.#follow(watched, listener)
        })
    })
  }

  /** Do one thing after the other. */
  #then(watched: Watched, step: () => Promise<void>): void {
    const work = watched.work
      .then(step)
      .catch((error: unknown) => {
        this.#logger.error(`Watching resource '${watched.uri}' failed`, error)
      })
      .finally(() => this.#work.delete(work))
    watched.work = work
    this.#work.add(work)
  }

  /** Have the source watched that somebody finds now, if it is another than before. */
  async #follow(watched: Watched, listener: Listener): Promise<void> {
    if (!watched.listeners.has(listener)) return
    const watch = (await this.#access.findToHear(this.#provider, watched.uri, listener()))?.watch
    const before = watched.listeners.get(listener)
    if (!watched.listeners.has(listener) || watch?.source === before) return
    watched.listeners.set(listener, watch?.source)
    await this.#leave(watched, before)
    if (watch !== undefined) await this.#use(watched, watch)
  }

  async #use(watched: Watched, watch: Watch): Promise<void> {
    const { source } = watch
    const known = watched.sources.get(source)
    if (known !== undefined) {
      known.users += 1
      return
    }
    const used: Source = { users: 1, stop: undefined }
    watched.sources.set(source, used)
    used.stop = await watch.start(() => {
      if (watched.sources.get(source) === used) this.#notify(watched.uri)
    })
  }

  async #leave(watched: Watched, source: object | undefined): Promise<void> {
    const used = source && watched.sources.get(source)
    if (source === undefined || used === undefined) return
    used.users -= 1
    if (used.users > 0) return
    watched.sources.delete(source)
    await used.stop?.()
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
