import { KINDS } from '../protocol/kinds.js'
import type { Provider } from '../providers/provider.js'

/** What changed since the audience last heard: each said once, however often it happened. */
export interface Changes {
  /** Notification methods such as `notifications/tools/list_changed`. */
  readonly lists: ReadonlySet<string>
  /** URIs of resources that hold something else now. */
  readonly resources: ReadonlySet<string>
}

/** Somebody who is told of changes: a 2025 session, or a 2026 subscription. */
export interface Audience {
  /** The session, if it is one. */
  readonly id?: string
  changed(changes: Changes): void
  /** The server stops: there will be nothing more to hear. */
  dismiss?(): void
}

/** Hears of every change once, and tells everybody of all that came together in one turn of the event loop. */
export class ChangeNotifier {
  readonly #audience = new Set<Audience>()
  #pending = nothing()
  /** Changes that one session alone sees. */
  #pendingOfSessions = new Map<string, Pending>()
  #listeners = 0
  #isScheduled = false

  constructor(provider: Provider) {
    provider.subscribe((change) => {
      if (this.#audience.size === 0) return
      const { sessionId } = change
      const pending = sessionId === undefined ? this.#pending : this.#pendingOf(sessionId)
      if (change.type === 'listChanged') pending.lists.add(KINDS[change.kind].listChanged)
      else pending.resources.add(change.uri)
      this.#schedule()
    })
  }

  /** Somebody is about to listen, and counts as such from now on; gives what says that nothing came of it. */
  expect(): () => void {
    this.#listeners += 1
    return () => {
      this.#listeners -= 1
    }
  }

  /** How many only came to listen. */
  get listeners(): number {
    return this.#listeners
  }

  add(audience: Audience): void {
    this.#audience.add(audience)
    if (audience.dismiss !== undefined) this.#listeners += 1
  }

  delete(audience: Audience): void {
    if (this.#audience.delete(audience) && audience.dismiss !== undefined) this.#listeners -= 1
  }

  /** Let everybody go who only came to listen. */
  dismiss(): void {
    for (const audience of [...this.#audience]) audience.dismiss?.()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      const [changes, ofSessions] = [this.#pending, this.#pendingOfSessions]
      this.#pending = nothing()
      this.#pendingOfSessions = new Map()
      const isForAll = changes.lists.size > 0 || changes.resources.size > 0
      for (const audience of [...this.#audience]) {
        if (isForAll) audience.changed(changes)
        const own = audience.id === undefined ? undefined : ofSessions.get(audience.id)
        if (own !== undefined) audience.changed(own)
      }
    })
  }

  #pendingOf(sessionId: string): Pending {
    const known = this.#pendingOfSessions.get(sessionId)
    if (known !== undefined) return known
    const pending = nothing()
    this.#pendingOfSessions.set(sessionId, pending)
    return pending
  }
}

interface Pending {
  readonly lists: Set<string>
  readonly resources: Set<string>
}

function nothing(): Pending {
  return { lists: new Set(), resources: new Set() }
}
