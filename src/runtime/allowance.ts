/** So many at once, and then so many a second. */
export class Allowance {
  readonly #atOnce: number
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor(atOnce: number, perSecond: number) {
    this.#atOnce = atOnce
    this.#perSecond = perSecond
    this.#left = atOnce
  }

  /** Take one. Gives whether there was one. */
  take(): boolean {
    if (this.#left < 1) this.#refill()
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  #refill(): void {
    const now = performance.now()
    this.#left = Math.min(this.#atOnce, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
  }
}
