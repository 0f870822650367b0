/** Waits for values that are optional: for a limited time, and for a limited number at once. */
export class BoundedWait {
  readonly #timeoutMs: number
  readonly #maxWaiting: number
  #waiting = 0

  constructor(timeoutMs: number, maxWaiting: number) {
    this.#timeoutMs = timeoutMs
    this.#maxWaiting = maxWaiting
  }

  /** Returns the value, or `undefined` where it takes too long, or where too many wait. */
  async for<T>(value: Promise<T>): Promise<T | undefined> {
    if (this.#waiting >= this.#maxWaiting) {
      value.catch(() => undefined)
      return undefined
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        resolve(undefined)
      }, this.#timeoutMs)
    })
    this.#waiting += 1
    try {
      return await Promise.race([value, late])
    } finally {
      clearTimeout(timer)
      this.#waiting -= 1
    }
  }
}
