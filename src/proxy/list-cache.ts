import { keyOf, type Component } from '../components/component.js'
import { ErrorCode, ProtocolError } from '../errors.js'
import { readPages } from '../client/read-pages.js'
import { KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { JsonObject } from '../protocol/types.js'
import { fleeting } from '../providers/fleeting.js'
import type { Eventually } from '../providers/provider.js'

/** How long the list of a server without change notifications is used for lookups, in milliseconds. */
const MAX_AGE_MS = 30_000

/** How long a lookup of a component that is not in the list does not fetch it again, in milliseconds. */
const MISS_MAX_AGE_MS = 1000

interface Listed<K extends ComponentKind = ComponentKind> {
  readonly components: readonly Component<K>[]
  readonly byKey: ReadonlyMap<string, Component<K>>
  readonly texts: ReadonlyMap<string, string>
  readonly at: number
  /** Until when it may be used without asking again. */
  readonly expiresAt: number
}

interface ListSource {
  /** Fetches one page; `via`: the proxies on whose behalf. */
  page(method: string, params: JsonObject, via?: string): Promise<JsonObject>
  /** Whether the server notifies of changes to lists of a kind. */
  hasChangeNotifications(kind: ComponentKind): boolean
  /** @throws TypeError for an invalid definition. */
  make<K extends ComponentKind>(kind: K, definition: unknown): Component<K>
  /** Called for a definition that is left out. */
  onUnusable(problem: string, error: unknown): void
  /** Called when a list that was fetched again has changed. */
  onChange(kind: ComponentKind): void
}

/** The lists of an upstream server: fetched once for all who need them, and kept until the server says that they have changed. */
export class UpstreamListCache {
  readonly #source: ListSource
  readonly #listed = new Map<ComponentKind, Listed>()
  readonly #reading = new Map<ComponentKind, Promise<Listed>>()
  #revision = 0

  constructor(source: ListSource) {
    this.#source = source
  }

  list<K extends ComponentKind>(kind: K): Eventually<readonly Component<K>[]> {
    const known = this.#known(kind)
    if (known !== undefined && this.#source.hasChangeNotifications(kind)) return known.components
    if (known !== undefined && Date.now() < known.expiresAt) return fleeting([...known.components])
    return this.#read(kind).then(({ components }) =>
      this.#source.hasChangeNotifications(kind) ? components : fleeting([...components]),
    )
  }

  /** Fetches a list for one request, and keeps nothing of it. */
  async listUncached<K extends ComponentKind>(
    kind: K,
    via: string | undefined,
  ): Promise<readonly Component<K>[]> {
    return fleeting([...(await this.#readAll(kind, via)).components])
  }

  /** Whether a list was ever fetched. */
  isKnown(kind: ComponentKind): boolean {
    return this.#listed.has(kind)
  }

  /** Returns the last list, whatever its age. */
  stale<K extends ComponentKind>(kind: K): readonly Component<K>[] {
    return fleeting([...((this.#listed.get(kind) as Listed<K> | undefined)?.components ?? [])])
  }

  find<K extends ComponentKind>(kind: K, key: string): Eventually<Component<K> | undefined> {
    const known = this.#known(kind)
    const found = known?.byKey.get(key)
    if (known !== undefined && (this.#source.hasChangeNotifications(kind) || isFresh(known, found)))
      return found
    return this.#read(kind).then(({ byKey }) => byKey.get(key))
  }

  /** Returns the component that the last list had under a name or URI. */
  staleEntry<K extends ComponentKind>(kind: K, key: string): Component<K> | undefined {
    return (this.#listed.get(kind) as Listed<K> | undefined)?.byKey.get(key)
  }

  /** Marks a list as changed. */
  drop(kind: ComponentKind): void {
    this.#revision += 1
    this.#reading.delete(kind)
    const listed = this.#listed.get(kind)
    if (listed !== undefined) this.#listed.set(kind, { ...listed, at: 0, expiresAt: 0 })
  }

  #known<K extends ComponentKind>(kind: K): Listed<K> | undefined {
    const known = this.#listed.get(kind) as Listed<K> | undefined
    return known === undefined || known.at === 0 ? undefined : known
  }

  #read<K extends ComponentKind>(kind: K): Promise<Listed<K>> {
    const reading = this.#reading.get(kind) as Promise<Listed<K>> | undefined
    if (reading !== undefined) return reading
    const revision = this.#revision
    const next: Promise<Listed<K>> = this.#readAll(kind)
      .then((listed) => {
        if (revision === this.#revision) this.#take(kind, listed)
        return listed
      })
      .finally(() => {
        if (this.#reading.get(kind) === (next as Promise<unknown>)) this.#reading.delete(kind)
      })
    this.#reading.set(kind, next as Promise<unknown> as Promise<Listed>)
    return next
  }

  #take(kind: ComponentKind, listed: Listed): void {
    const before = this.#listed.get(kind)
    this.#listed.set(kind, listed)
    if (before !== undefined && before.at !== 0 && !isSame(before, listed)) this.#source.onChange(kind)
  }

  async #readAll<K extends ComponentKind>(kind: K, via?: string): Promise<Listed<K>> {
    const { list, items } = KINDS[kind]
    let ttlMs = 0
    const definitions = await readPages(items, async (page) => {
      const result = await this.#source.page(list, page, via)
      if (typeof result['ttlMs'] === 'number') ttlMs = result['ttlMs']
      return result
    }).catch((error: unknown): unknown[] => {
      if (error instanceof ProtocolError && error.code === ErrorCode.MethodNotFound) return []
      throw error
    })
    const at = Date.now()
    return { ...this.#made(kind, definitions), at, expiresAt: at + Math.min(Math.max(ttlMs, 0), MAX_AGE_MS) }
  }

  /** A component that has not changed stays the same object, so that its wrapped forms elsewhere stay as well. */
  #made<K extends ComponentKind>(
    kind: K,
    definitions: readonly unknown[],
  ): Pick<Listed<K>, 'components' | 'byKey' | 'texts'> {
    const before = this.#listed.get(kind) as Listed<K> | undefined
    const byKey = new Map<string, Component<K>>()
    const texts = new Map<string, string>()
    for (const definition of definitions) {
      try {
        const made = this.#source.make(kind, definition)
        const key = keyOf(made)
        if (byKey.has(key)) continue
        const text = JSON.stringify(definition)
        byKey.set(key, before?.texts.get(key) === text ? (before.byKey.get(key) ?? made) : made)
        texts.set(key, text)
      } catch (error) {
        this.#source.onUnusable(`A ${KINDS[kind].label} is left out`, error)
      }
    }
    return { components: [...byKey.values()], byKey, texts }
  }
}

function isFresh({ at }: Listed, found: Component | undefined): boolean {
  return Date.now() - at < (found === undefined ? MISS_MAX_AGE_MS : MAX_AGE_MS)
}

function isSame(before: Listed, now: Listed): boolean {
  if (before.components.length !== now.components.length) return false
  return before.components.every((component, at) => component === now.components[at])
}
