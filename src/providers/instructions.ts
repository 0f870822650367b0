import type { Caller } from '../components/context.js'
import type { Logger } from '../runtime/logger.js'
import { BoundedWait } from '../util/bounded-wait.js'
import { allOf, type Eventually, type Provider } from './provider.js'

/** How long a client is kept waiting for them, in milliseconds: most servers have started by then. */
const PATIENCE_MS = 3000

/** How many clients are kept waiting at once; more are told nothing. */
const MAX_WAITING = 1000

/** What providers say of how what they have is to be used: it never fails, and does not take long. */
export class Instructions {
  readonly #logger: Logger
  readonly #wait = new BoundedWait(PATIENCE_MS, MAX_WAITING)

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** What all of them say, one after the other. */
  of(providers: readonly Provider[], caller: Caller): Eventually<string | undefined> {
    const said = providers.map((provider) => this.#of(provider, caller))
    return allOf(said, (texts) => {
      const all = texts.filter((text) => typeof text === 'string')
      return all.length === 0 ? undefined : all.join('\n\n')
    })
  }

  #of(provider: Provider, caller: Caller): Eventually<string | undefined> {
    try {
      const said = provider.instructions?.(caller)
      return said instanceof Promise ? this.#soon(said) : said
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  async #soon(said: Promise<string | undefined>): Promise<string | undefined> {
    try {
      return await this.#wait.for(said)
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  #failed(error: unknown): void {
    this.#logger.warn('Instructions could not be had, and are left out', error)
  }
}
