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
  changed(changes: Changes): void
  /** The server stops: there will be nothing more to hear. */
  dismiss?(): void
}

/** Hears of every change once, and tells everybody of all that came together in one turn of the event loop. */
export class ChangeNotifier {
  readonly #audience = new Set<Audience>()
  #lists = new Set<string>()
  #resources = new Set<string>()
  #listeners = 0
  #isScheduled = false

  constructor(provider: Provider) {
    provider.subscribe((change) => {
      if (this.#audience.size === 0) return
      if (change.type === 'listChanged') this.#lists.add(KINDS[change.kind].listChanged)
      else this.#resources.add(change.uri)
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
      const changes = { lists: this.#lists, resources: this.#resources }
      this.#lists = new Set()
      this.#resources = new Set()
      for (const audience of [...this.#audience]) audience.changed(changes)
    })
  }
}
