import { keyOf, seenAs, type Component } from '../components/component.js'
import type { Caller } from '../components/context.js'
import { capabilityFlags } from '../protocol/capability-flags.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import { ChangeHub, type Change, type Unsubscribe } from './changes.js'
import { fleeting, isFleeting } from './fleeting.js'
import { andThen, type Eventually, type Provider } from './provider.js'

/** How the components of a provider are seen. What is left out passes untouched. */
export interface Transform {
  /** What is seen of a component: itself, another in its place, or, for `undefined`, nothing. */
  readonly component?: <K extends ComponentKind>(component: Component<K>) => Component<K> | undefined
  /** What is called `key` on the outside has which name or URI within? `undefined` for "not mine". */
  readonly innerKey?: (kind: ComponentKind, key: string) => string | undefined
  /** Whether `component` gives names that `innerKey` knows nothing of, so that they are looked for in the list. */
  readonly renames?: boolean
  readonly change?: (change: Change) => Change
}

/** A provider as it is seen through a transform, which may be another one later. */
export class TransformedProvider implements Provider {
  readonly #inner: Provider
  readonly #changes = new ChangeHub()
  #transform: Transform
  #known = new WeakMap<Component, { readonly seen: Component | undefined }>()
  /** What is seen of the lists within that were last seen. */
  #lists = new WeakMap<readonly Component[], readonly Component[]>()
  /** By kind and capabilities: servers behind a proxy may list other components to clients with others. */
  readonly #byName = new Map<string, ReadonlyMap<string, Component>>()
  #isForgetting = false

  constructor(inner: Provider, transform: Transform = {}) {
    this.#inner = inner
    this.#transform = transform
  }

  /** See the provider in another way from now on. `announced`: lists may look different for it. */
  replace(transform: Transform, announced: boolean): void {
    this.#transform = transform
    this.#known = new WeakMap()
    this.#lists = new WeakMap()
    this.#byName.clear()
    if (announced) for (const kind of COMPONENT_KINDS) this.#changes.emit({ type: 'listChanged', kind })
  }

  list<K extends ComponentKind>(kind: K, caller: Caller | undefined): Eventually<readonly Component<K>[]> {
    const listed = this.#inner.list(kind, caller)
    return this.#transform.component === undefined ? listed : andThen(listed, (list) => this.#seenList(list))
  }

  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    const { innerKey } = this.#transform
    const inner = innerKey === undefined ? key : innerKey(kind, key)
    if (inner === undefined) return undefined
    const found = this.#inner.find(kind, inner, caller)
    return found instanceof Promise
      ? found.then((later) => this.#take(kind, key, caller, later))
      : this.#take(kind, key, caller, found)
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    const ends = [
      this.#changes.subscribe(listener),
      this.#inner.subscribe((change) => {
        listener(this.#transform.change?.(change) ?? change)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  /** What is seen of what was found; what it is not called any more is looked for in the list. */
  #take<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
    found: Component<K> | undefined,
  ): Eventually<Component<K> | undefined> {
    const seen = found && this.#seen(found)
    if (this.#transform.renames !== true || KINDS[kind].key !== 'name') return seen
    if (seen !== undefined && keyOf(seen) === key) return seen
    return this.#findRenamed(kind, key, caller)
  }

  /** What is listed at once is known by its names until it changes. */
  #findRenamed<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    const listKey = `${kind} ${capabilityFlags(caller?.capabilities)}`
    const known = (caller?.conversation?.ownLists ?? 0) > 0 ? undefined : this.#byName.get(listKey)
    if (known !== undefined) return known.get(key) as Component<K> | undefined
    const list = this.list(kind, caller)
    if (list instanceof Promise) return list.then((all) => all.find((component) => keyOf(component) === key))
    const byName = new Map(list.map((component) => [keyOf(component), component]))
    if (!isFleeting(list)) this.#byName.set(listKey, byName)
    this.#forgetWhatChanges()
    return byName.get(key)
  }

  #forgetWhatChanges(): void {
    if (this.#isForgetting) return
    this.#isForgetting = true
    this.#inner.subscribe(() => {
      this.#byName.clear()
    })
  }

  #seenList<K extends ComponentKind>(list: readonly Component<K>[]): readonly Component<K>[] {
    const known = this.#lists.get(list)
    if (known !== undefined) return known as readonly Component<K>[]
    const all: Component<K>[] = []
    for (const component of list) {
      const seen = this.#seen(component)
      if (seen !== undefined) all.push(seen)
    }
    const seen = this.#transform.renames === true ? withoutUsurpers(list, all, (c) => this.#seen(c)) : all
    if (isFleeting(list)) return fleeting(seen)
    this.#lists.set(list, seen)
    return seen
  }

  #seen<K extends ComponentKind>(component: Component<K>): Component<K> | undefined {
    const { component: transform } = this.#transform
    if (transform === undefined) return component
    const known = this.#known.get(component)
    if (known !== undefined) return known.seen as Component<K> | undefined
    const seen = this.#reachable(component, transform(component))
    this.#known.set(component, { seen })
    return seen
  }

  /** What a template gives is seen in the same way as what is listed. */
  #reachable<K extends ComponentKind>(
    component: Component<K>,
    seen: Component<K> | undefined,
  ): Component<K> | undefined {
    if (seen === undefined || seen === component || component.at === undefined) return seen
    const { innerKey } = this.#transform
    return seenAs(seen, {
      at: (uri) => {
        const innerUri = innerKey === undefined ? uri : innerKey('resource', uri)
        const resource = innerUri === undefined ? undefined : component.at?.(innerUri)
        return resource && this.#seen(resource)
      },
    })
  }
}

/** Of several that are seen under one name the one that always had it comes before those renamed to it. */
function withoutUsurpers<K extends ComponentKind>(
  list: readonly Component<K>[],
  all: readonly Component<K>[],
  see: (component: Component<K>) => Component<K> | undefined,
): readonly Component<K>[] {
  const owners = new Map<string, Component<K>>()
  for (const component of list) {
    const seen = see(component)
    if (seen !== undefined && keyOf(seen) === keyOf(component)) owners.set(keyOf(seen), seen)
  }
  for (const component of all) if (!owners.has(keyOf(component))) owners.set(keyOf(component), component)
  return all.filter((component) => owners.get(keyOf(component)) === component)
}
