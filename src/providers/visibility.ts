import { keyOf, type Component } from '../components/component.js'

/** Which components are meant: any that bear one of the names (or URIs) or one of the tags; left empty, all. */
export interface Selector {
  readonly names?: readonly string[]
  readonly tags?: readonly string[]
}

interface Rule {
  readonly visible: boolean
  /** When it was said: of several rules that speak of a component the latest counts. */
  readonly order: number
}

/** What `disable` and `enable` said, also for components that come later. */
export class Visibility {
  readonly #names = new Map<string, Rule>()
  readonly #tags = new Map<string, Rule>()
  #all: Rule | undefined
  #said = 0

  set({ names, tags }: Selector, visible: boolean): void {
    const rule: Rule = { visible, order: ++this.#said }
    for (const name of names ?? []) this.#names.set(name, rule)
    for (const tag of tags ?? []) this.#tags.set(tag, rule)
    if (names !== undefined || tags !== undefined) return
    this.#names.clear()
    this.#tags.clear()
    this.#all = rule
  }

  isVisible(component: Component): boolean {
    if (this.#said === 0) return true
    let latest = this.#all
    const consider = (rule: Rule | undefined): void => {
      if (rule !== undefined && rule.order > (latest?.order ?? 0)) latest = rule
    }
    consider(this.#names.get(component.definition.name))
    consider(this.#names.get(keyOf(component)))
    if (component.template !== undefined) consider(this.#names.get(component.template))
    for (const tag of component.tags ?? []) consider(this.#tags.get(tag))
    return latest?.visible ?? true
  }
}
