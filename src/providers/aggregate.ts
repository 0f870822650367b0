import { keyOf, type Component } from '../components/component.js'
import type { Caller } from '../components/context.js'
import { ProtocolError } from '../errors.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { Logger } from '../runtime/logger.js'
import { ChangeHub, type Change, type Unsubscribe } from './changes.js'
import { fleeting, isFleeting } from './fleeting.js'
import type { LocalProvider } from './local.js'
import { allOf, type Eventually, type Provider } from './provider.js'
import type { Selector, Visibility } from './visibility.js'

/** How many different warnings are given: names may come from afar, and without end. */
const MAX_WARNINGS = 1000

/** What was found so far, if only in a template, and what went wrong meanwhile. */
interface Found<K extends ComponentKind> {
  found: Component<K> | undefined
  failure: { error: unknown } | undefined
}

/** Several providers as one: a server's own components first, then those of each other provider in the order of adding. */
export class AggregateProvider implements Provider {
  readonly #own: LocalProvider
  readonly #visibility: Visibility
  readonly #logger: Logger
  readonly #others = new Map<Provider, Unsubscribe>()
  readonly #changes = new ChangeHub()
  readonly #warned = new Set<string>()

  constructor(own: LocalProvider, visibility: Visibility, logger: Logger) {
    this.#own = own
    this.#visibility = visibility
    this.#logger = logger
  }

  /** Whether there is anything but the server's own. */
  get isMixed(): boolean {
    return this.#others.size > 0
  }

  /** The component that is listed under a name or URI, where that can be said at once. */
  listed<K extends ComponentKind>(kind: K, key: string): Component<K> | undefined {
    try {
      const found = this.find(kind, key, undefined)
      if (found instanceof Promise) found.catch(() => undefined)
      return found instanceof Promise || !isListed(found) ? undefined : found
    } catch {
      return undefined
    }
  }

  /** Provide what another one does as well. */
  add(provider: Provider): void {
    // Held weakly: a server that is mounted outlives many that mount it and are not needed any more.
    const self = new WeakRef(this)
    const unsubscribe = provider.subscribe((change) => {
      const there = self.deref()
      if (there === undefined) unsubscribe()
      else there.#changes.emit(change)
    })
    this.#others.set(provider, unsubscribe)
    this.#allChanged()
  }

  /** Provide it no more. */
  delete(provider: Provider): void {
    this.#others.get(provider)?.()
    if (this.#others.delete(provider)) this.#allChanged()
  }

  list<K extends ComponentKind>(kind: K, caller: Caller | undefined): Eventually<readonly Component<K>[]> {
    const own = this.#own.list(kind)
    if (this.#others.size === 0) return own
    const lists = [...this.#others.keys()].map((other) => this.#listOf(other, kind, caller))
    return allOf(lists, (all) => this.#merged(kind, own, all))
  }

  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    const own = this.#own.find(kind, key)
    if (this.#others.size === 0 || isListed(own)) return own
    return this.#findIn(this.#others.keys(), kind, key, caller, { found: own, failure: undefined })
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    const ends = [this.#own.subscribe(listener), this.#changes.subscribe(listener)]
    return () => {
      for (const end of ends) end()
    }
  }

  /** Show or hide components, wherever they come from, those that come later included. */
  show(selector: Selector, visible: boolean): void {
    const others = [...this.#others.keys()]
    const visibleNow = (kind: ComponentKind): readonly Component[] | undefined => {
      const lists = others.map((other) => this.#listOf(other, kind, undefined))
      for (const list of lists) if (list instanceof Promise) list.catch(() => undefined)
      return lists.some((list) => list instanceof Promise)
        ? undefined
        : this.#visible((lists as readonly (readonly Component[])[]).flat())
    }
    const before = new Map(COMPONENT_KINDS.map((kind) => [kind, visibleNow(kind)]))
    this.#own.show(selector, visible)
    for (const kind of COMPONENT_KINDS)
      if (others.length > 0 && !areSame(before.get(kind), visibleNow(kind)))
        this.#changes.emit({ type: 'listChanged', kind })
  }

  /** Tell whoever runs the server, once, of what is hidden from clients. */
  warnOnce(message: string): void {
    if (this.#warned.has(message) || this.#warned.size >= MAX_WARNINGS) return
    this.#warned.add(message)
    this.#logger.warn(message)
  }

  #listOf<K extends ComponentKind>(
    provider: Provider,
    kind: K,
    caller: Caller | undefined,
  ): Eventually<readonly Component<K>[]> {
    try {
      const list = provider.list(kind, caller)
      return list instanceof Promise
        ? list.then(checked).catch((error: unknown) => this.#unlisted(kind, error))
        : checked(list)
    } catch (error) {
      return this.#unlisted(kind, error)
    }
  }

  /** One provider that fails takes nothing from the lists of the others. If there are none, its answer is the answer. */
  #unlisted(kind: ComponentKind, error: unknown): readonly never[] {
    const isOnly = this.#others.size === 1 && this.#own.list(kind).length === 0
    if (isOnly && error instanceof ProtocolError) throw error
    this.#logger.error(`A list of ${KINDS[kind].label}s could not be had, and is left out`, error)
    return fleeting([])
  }

  #merged<K extends ComponentKind>(
    kind: K,
    own: readonly Component<K>[],
    others: readonly (readonly Component<K>[])[],
  ): readonly Component<K>[] {
    const merged = new Map(own.map((component) => [keyOf(component), component]))
    for (const component of this.#visible(others.flat())) {
      const key = keyOf(component)
      if (merged.has(key))
        this.warnOnce(`There are several ${KINDS[kind].label}s '${key}': all but the first are hidden`)
      else merged.set(key, component)
    }
    const list = [...merged.values()]
    return others.some(isFleeting) ? fleeting(list) : list
  }

  /** Ask one after the other. What is listed somewhere comes before what only a template gives. */
  #findIn<K extends ComponentKind>(
    others: Iterator<Provider>,
    kind: K,
    key: string,
    caller: Caller | undefined,
    so: Found<K>,
  ): Eventually<Component<K> | undefined> {
    for (let next = others.next(); next.done !== true; next = others.next()) {
      let found: Eventually<Component<K> | undefined>
      try {
        found = next.value.find(kind, key, caller)
      } catch (error) {
        so.failure ??= { error }
        continue
      }
      if (found instanceof Promise)
        return found
          .catch((error: unknown) => {
            so.failure ??= { error }
            return undefined
          })
          .then((later) => this.#take(later, so) ?? this.#findIn(others, kind, key, caller, so))
      const taken = this.#take(found, so)
      if (taken !== undefined) return taken
    }
    // A provider that failed may have had it.
    if (so.failure !== undefined && (so.found === undefined || so.found.isGuess === true))
      throw so.failure.error
    return so.found
  }

  /** Gives what needs no more looking; what a template gives is kept in mind. */
  #take<K extends ComponentKind>(found: Component<K> | undefined, so: Found<K>): Component<K> | undefined {
    if (found === undefined || !this.#visibility.isVisible(found)) return undefined
    if (isListed(found)) return found
    if (so.found === undefined || (so.found.isGuess === true && found.isGuess !== true)) so.found = found
    return undefined
  }

  #visible<K extends ComponentKind>(components: readonly Component<K>[]): readonly Component<K>[] {
    return components.filter((component) => this.#visibility.isVisible(component))
  }

  #allChanged(): void {
    for (const kind of COMPONENT_KINDS) this.#changes.emit({ type: 'listChanged', kind })
  }
}

/** Providers may be of JavaScript. */
function checked<T>(list: readonly T[]): readonly T[] {
  const isList: boolean = Array.isArray(list)
  if (!isList) throw new TypeError('A provider must give a list')
  return list
}

function isListed(component: Component | undefined): boolean {
  return component !== undefined && component.template === undefined
}

/** Whether two lists are known, and the same. */
function areSame(before: readonly unknown[] | undefined, now: readonly unknown[] | undefined): boolean {
  if (before === undefined || now?.length !== before.length) return false
  return now.every((component, at) => component === before[at])
}
