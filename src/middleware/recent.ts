/** A map with so many entries at most: what was not used for longest goes first. */
export class Recent<Value> {
  readonly #max: number
  readonly #entries = new Map<string, Value>()

  constructor(max: number) {
    this.#max = max
  }

  entries(): readonly (readonly [string, Value])[] {
    return [...this.#entries]
  }

  /** Gives what is there, which was used by that. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#max) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** Drop what no longer counts. */
  deleteWhere(isMeant: (key: string, value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (isMeant(key, value)) this.#entries.delete(key)
  }
}
