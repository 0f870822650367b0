import type { Logger } from './runtime/logger.js'

/** Opens what a server needs for as long as it is used. */
export type Open = () => void | AsyncDisposable | Promise<void | AsyncDisposable>

/** A mounted server's lifespan, and whether it is used on behalf of the one that mounted it. */
interface Member {
  readonly lifespan: Lifespan
  isHeld: boolean
}

/**
 * What a server needs, open for as long as somebody uses the server: it is itself served, or
 * servers are that mounted it. However many they are, it is opened once, with that of what it
 * mounted itself, and closed after the last of them.
 */
export class Lifespan {
  readonly #openOwn: Open | undefined
  readonly #logger: Logger
  readonly #members: Member[] = []
  #users = 0
  #isOpen = false
  #own: void | AsyncDisposable = undefined
  /** Opening and closing, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #lastError: string | undefined

  constructor(openOwn: Open | undefined, logger: Logger) {
    this.#openOwn = openOwn
    this.#logger = logger
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** What went wrong when it was last opened. */
  get lastError(): string | undefined {
    return this.#lastError
  }

  /** Whether `other` goes along with this one, directly or not. */
  reaches(other: Lifespan): boolean {
    return this === other || this.#members.some(({ lifespan }) => lifespan.reaches(other))
  }

  /** Use the server. Resolves when all is open; rejects, and counts for nothing, if it cannot be opened. */
  async acquire(): Promise<void> {
    this.#users += 1
    try {
      await this.opened()
    } catch (error) {
      this.#users -= 1
      throw error
    }
  }

  /** Use it no more. Resolves when what nobody uses is closed. */
  release(): Promise<void> {
    this.#users -= 1
    return this.#next(() => (this.#users === 0 && this.#isOpen ? this.#close() : undefined))
  }

  /** Opens it if that has failed so far. `undefined` where there is nothing to wait for. */
  opened(): Promise<void> | undefined {
    if (this.#isOpen) return undefined
    return this.#next(() => (this.#users > 0 && !this.#isOpen ? this.#open() : undefined))
  }

  /** Have the lifespan of a mounted server go along. One that cannot be opened now is tried again when it is needed. */
  add(lifespan: Lifespan): void {
    const member = { lifespan, isHeld: this.#isOpen }
    this.#members.push(member)
    if (!member.isHeld) return
    lifespan.#users += 1
    void lifespan.opened()?.catch(() => undefined)
  }

  /** Have it go along no more. */
  async remove(lifespan: Lifespan): Promise<void> {
    const at = this.#members.findIndex((member) => member.lifespan === lifespan)
    const [member] = at < 0 ? [] : this.#members.splice(at, 1)
    if (member?.isHeld !== true) return
    member.isHeld = false
    await lifespan.release()
  }

  #next(step: () => Promise<void> | undefined): Promise<void> {
    const done = this.#work.then(step)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #open(): Promise<void> {
    try {
      this.#own = await this.#openOwn?.()
      // Servers may be mounted meanwhile.
      for (let next = this.#notHeld(); next !== undefined; next = this.#notHeld()) {
        await next.lifespan.acquire()
        if (this.#members.includes(next)) next.isHeld = true
        else await next.lifespan.release()
      }
      this.#isOpen = true
      this.#lastError = undefined
    } catch (error) {
      this.#lastError = 'The lifespan failed'
      this.#logger.error('The lifespan failed', error)
      await this.#close()
      throw error
    }
  }

  #notHeld(): Member | undefined {
    return this.#members.find(({ isHeld }) => !isHeld)
  }

  async #close(): Promise<void> {
    this.#isOpen = false
    for (const member of [...this.#members].reverse()) {
      if (!member.isHeld) continue
      member.isHeld = false
      await member.lifespan.release()
    }
    await this.#closeOwn()
  }

  async #closeOwn(): Promise<void> {
    const own = this.#own
    this.#own = undefined
    try {
      await own?.[Symbol.asyncDispose]()
    } catch (error) {
      this.#logger.error('What the lifespan had opened could not be closed', error)
    }
  }
}
