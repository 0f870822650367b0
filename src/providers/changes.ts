import type { ComponentKind } from '../protocol/kinds.js'

/** Something is another now beneath a provider. */
export type Change = {
  /** The session that alone sees the change. Default: all callers. */
  readonly sessionId?: string | undefined
} & (
  | { readonly type: 'listChanged'; readonly kind: ComponentKind }
  | { readonly type: 'resourceUpdated'; readonly uri: string }
)

export type Unsubscribe = () => void

/** Tells whoever listens; one listener that throws keeps the others from nothing. */
export class ChangeHub {
  readonly #listeners = new Set<(change: Change) => void>()

  subscribe(listener: (change: Change) => void): Unsubscribe {
    const own = (change: Change): void => {
      listener(change)
    }
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  emit(change: Change): void {
    const failures: unknown[] = []
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Listeners of a change failed')
  }
}
