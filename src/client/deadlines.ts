/** Something that waits until a time on the clock of `performance`, which may be put off; for ever, where that is `Infinity`. */
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
  readonly #all: () => Iterable<Waits>
  #timer: { ref?: () => void; unref?: () => void } | undefined
  #firesAt = Infinity
  /** How many wait that do not wait for ever. */
  #count = 0
  #isStopped = false

  constructor(all: () => Iterable<Waits>) {
    this.#all = all
  }

  /** Somebody waits now, who does not wait for ever: the process goes on for that. */
  watch({ deadline }: Waits): void {
    this.#count += 1
    if (deadline < this.#firesAt) this.#set(deadline)
    else if (this.#count === 1) this.#timer?.ref?.()
  }

  /** One of them waits no more. */
  left(): void {
    this.#count -= 1
    if (this.#count === 0) this.#timer?.unref?.()
  }

  /** Nobody is told any more. */
  stop(): void {
    this.#isStopped = true
    this.#clear()
  }

  #set(deadline: number): void {
    if (this.#isStopped) return
    this.#clear()
    this.#firesAt = deadline
    this.#timer = setTimeout(this.#fire, Math.max(1, Math.ceil(deadline - performance.now())))
  }

  #clear(): void {
    clearTimeout(this.#timer as ReturnType<typeof setTimeout> | undefined)
    this.#timer = undefined
    this.#firesAt = Infinity
  }

  readonly #fire = (): void => {
    this.#clear()
    const now = performance.now()
    let next = Infinity
    for (const one of [...this.#all()])
      if (one.deadline <= now) one.expire()
      else next = Math.min(next, one.deadline)
    if (next < this.#firesAt) this.#set(next)
  }
}
