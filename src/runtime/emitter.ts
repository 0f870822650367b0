type Listener<Event> = (event: Event) => unknown

/** Tells listeners of events. One that throws, or gives a promise that fails, harms nobody. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onFailure: (event: keyof Events, error: unknown) => void

  /** `onFailure` hears of listeners that failed. */
  constructor(onFailure: (event: keyof Events, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    const known = this.#listeners.get(name)
    if (known === undefined) this.#listeners.set(name, new Set<Listener<never>>([listener]))
    else known.add(listener)
  }

  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    this.#listeners.get(name)?.delete(listener)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        const returned = (listener as Listener<Events[Name]>)(event)
        if (returned instanceof Promise)
          returned.catch((error: unknown) => {
            this.#onFailure(name, error)
          })
      } catch (error) {
        this.#onFailure(name, error)
      }
    }
  }
}
