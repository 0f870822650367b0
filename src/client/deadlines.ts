/** Something that waits until a time on the clock of `performance`, which may be put off. */
export interface Waits {
  readonly deadline: number
  /** It has waited too long. */
  expire(): void
}

/**
 * Tells those that wait for too long so, with one timer for all of them: most have what they wait
 * for long before, and a timer of their own for each would be set and taken back for nothing.
 */
export class Deadlines {
  readonly #all: () => readonly Waits[]
  #timer: ReturnType<typeof setTimeout> | undefined
  #firesAt = Infinity

  constructor(all: () => readonly Waits[]) {
    this.#all = all
  }

  /** Somebody waits now. */
  watch({ deadline }: Waits): void {
    if (deadline < this.#firesAt) this.#set(deadline)
    else this.#hold?.ref?.()
  }

  /** Nobody waits now: the process need not go on for that. */
  rest(): void {
    this.#hold?.unref?.()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAt = Infinity
  }

  #set(deadline: number): void {
    clearTimeout(this.#timer)
    this.#firesAt = deadline
    this.#timer = setTimeout(this.#fire, Math.max(1, Math.ceil(deadline - performance.now())))
  }

  /** The timer, where there can be one that the process does not wait for. */
  get #hold(): { ref?: () => void; unref?: () => void } | undefined {
    return this.#timer
  }

  readonly #fire = (): void => {
    this.stop()
    const now = performance.now()
    let next = Infinity
    for (const one of this.#all())
      if (one.deadline <= now) one.expire()
      else next = Math.min(next, one.deadline)
    if (next < Infinity) this.#set(next)
  }
}
