import { keyOf, type Component } from '../components/component.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../protocol/kinds.js'
import { ChangeHub, type Change, type Unsubscribe } from './changes.js'
import type { Provider } from './provider.js'
import { Visibility, type Selector } from './visibility.js'

/** What happens to a component whose name or URI is taken: refuse it, put it in the other's place, or drop it. */
export type OnDuplicate = 'error' | 'replace' | 'ignore'

type Table<K extends ComponentKind> = Map<string, Component<K>>

/** Components registered by hand. */
export class LocalProvider implements Provider {
  readonly #onDuplicate: OnDuplicate
  readonly #tables: { readonly [K in ComponentKind]: Table<K> } = {
    tool: new Map(),
    resource: new Map(),
    resourceTemplate: new Map(),
    prompt: new Map(),
  }
  readonly #visibility: Visibility
  /** As long as nothing changes, lists are the very same: so is what is made of them. */
  readonly #lists = new Map<ComponentKind, readonly Component[]>()
  readonly #changes = new ChangeHub()

  constructor(onDuplicate: OnDuplicate = 'error', visibility = new Visibility()) {
    this.#onDuplicate = onDuplicate
    this.#visibility = visibility
  }

  list<K extends ComponentKind>(kind: K): readonly Component<K>[] {
    const known = this.#lists.get(kind)
    if (known !== undefined) return known as readonly Component<K>[]
    const list = [...this.#table(kind).values()].filter((component) => this.#visibility.isVisible(component))
    this.#lists.set(kind, list)
    return list
  }

  find<K extends ComponentKind>(kind: K, key: string): Component<K> | undefined {
    const found = this.#visible(this.#table(kind).get(key))
    if (found !== undefined || kind !== 'resource') return found
    return this.#fromTemplate(key) as Component<K> | undefined
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    return this.#changes.subscribe(listener)
  }

  /**
   * Add components of one kind: all of them, or none if one is refused.
   * @throws TypeError where a name or URI is taken and duplicates are an error.
   */
  add<K extends ComponentKind>(kind: K, components: readonly Component<K>[]): void {
    const table = this.#table(kind)
    if (this.#onDuplicate === 'error') refuseDuplicates(table, kind, components)
    this.#lists.delete(kind)
    for (const component of components) refuseUnencodable(component)
    let changed = false
    for (const component of components) {
      const key = keyOf(component)
      if (this.#onDuplicate === 'ignore' && table.has(key)) continue
      const replaced = this.#visible(table.get(key))
      table.set(key, component)
      changed ||= replaced !== undefined || this.#visibility.isVisible(component)
    }
    if (changed) this.#listChanged(kind)
  }

  /** @throws TypeError where the name or URI of a component is taken, be it by what is hidden. */
  refuseTaken({ kind, ...component }: Component): void {
    refuseDuplicates(this.#table(kind), kind, [{ kind, ...component }])
  }

  /** Take a component away. Gives whether there was one. */
  remove(kind: ComponentKind, key: string): boolean {
    const table = this.#table(kind)
    const component = table.get(key)
    if (component === undefined) return false
    table.delete(key)
    this.#lists.delete(kind)
    if (this.#visibility.isVisible(component)) this.#listChanged(kind)
    return true
  }

  /** Show or hide components, those that come later included. */
  show(selector: Selector, visible: boolean): void {
    const before = COMPONENT_KINDS.map((kind) => this.list(kind))
    this.#visibility.set(selector, visible)
    this.#lists.clear()
    for (const [index, kind] of COMPONENT_KINDS.entries()) {
      const now = this.list(kind)
      const then = before[index] ?? []
      if (now.length !== then.length || now.some((component, at) => component !== then[at]))
        this.#listChanged(kind)
    }
  }

  /** Say that what a resource holds is another now. */
  resourceUpdated(uri: string, sessionId?: string): void {
    this.#changes.emit({ type: 'resourceUpdated', uri, sessionId })
  }

  #table<K extends ComponentKind>(kind: K): Table<K> {
    return this.#tables[kind]
  }

  #visible<K extends ComponentKind>(component: Component<K> | undefined): Component<K> | undefined {
    return component !== undefined && this.#visibility.isVisible(component) ? component : undefined
  }

  #fromTemplate(uri: string): Component<'resource'> | undefined {
    for (const template of this.#tables.resourceTemplate.values()) {
      if (!this.#visibility.isVisible(template)) continue
      const resource = this.#visible(template.at?.(uri))
      if (resource !== undefined) return resource
    }
    return undefined
  }

  #listChanged(kind: ComponentKind): void {
    this.#changes.emit({ type: 'listChanged', kind })
  }
}

function refuseDuplicates<K extends ComponentKind>(
  table: Table<K>,
  kind: K,
  components: readonly Component<K>[],
): void {
  const taken = new Set<string>()
  for (const key of components.map(keyOf)) {
    if (table.has(key) || taken.has(key))
      throw new TypeError(`There is already a ${KINDS[kind].label} '${key}'`)
    taken.add(key)
  }
}

/** One definition that JSON cannot hold would take the whole list from every client. */
function refuseUnencodable(component: Component): void {
  try {
    JSON.stringify(component.definition)
  } catch (cause) {
    const label = `${KINDS[component.kind].label} '${component.definition.name}'`
    throw new TypeError(`The definition of ${label} is not JSON`, { cause })
  }
}
