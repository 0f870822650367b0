import type { Stop, Watch } from '../components/component.js'
import type { Caller } from '../components/context.js'
import type { Provider } from '../providers/provider.js'
import type { Access } from '../router/access.js'
import type { Logger } from '../runtime/logger.js'

interface Watched {
  readonly uri: string
  /** On whose behalf the source is looked for: who came first. */
  readonly caller: Caller
  listeners: number
  /** What is being watched, or about to be. */
  source: object | undefined
  /** What is under way, one after the other: starts and stops. */
  work: Promise<void>
  stop: Stop | void
}

/** How long who wants to hear of a resource waits until its source is heard, in milliseconds. */
const PATIENCE_MS = 1000

/** Has the sources of resources watched while somebody wants to hear of them, and no longer. */
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
  add(uri: string, caller: Caller): Promise<void> {
    const known = this.#watched.get(uri)
    if (known !== undefined) {
      known.listeners += 1
      return atMost(PATIENCE_MS, known.work)
    }
    const watched: Watched = {
      uri,
      caller,
      listeners: 1,
      source: undefined,
      work: Promise.resolve(),
      stop: undefined,
    }
    this.#watched.set(uri, watched)
    this.#adjust(watched)
    return atMost(PATIENCE_MS, watched.work)
  }

  /** One who wanted to hear of it does not any more. */
  delete(uri: string): void {
    const watched = this.#watched.get(uri)
    if (watched === undefined) return
    watched.listeners -= 1
    if (watched.listeners > 0) return
    this.#watched.delete(uri)
    this.#adjust(watched)
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
      for (const watched of this.#watched.values()) this.#adjust(watched)
    })
  }

  #adjust(watched: Watched): void {
    const work = watched.work
      .then(() => this.#bringUpToDate(watched))
      .catch((error: unknown) => {
        this.#logger.error(`Watching resource '${watched.uri}' failed`, error)
      })
      .finally(() => this.#work.delete(work))
    watched.work = work
    this.#work.add(work)
  }

  async #bringUpToDate(watched: Watched): Promise<void> {
    const watch = watched.listeners > 0 ? await this.#find(watched) : undefined
    if (watch?.source === watched.source) return
    const { stop } = watched
    watched.stop = undefined
    watched.source = watch?.source
    await stop?.()
    if (watch !== undefined)
      watched.stop = await watch.start(() => {
        if (watched.source === watch.source && watched.listeners > 0) this.#notify(watched.uri)
      })
  }

  async #find({ uri, caller }: Watched): Promise<Watch | undefined> {
    return (await this.#access.find(this.#provider, 'resource', uri, caller))?.watch
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
