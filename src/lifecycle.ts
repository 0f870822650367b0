import type { Logger } from './runtime/logger.js'
import type { ServerStatus } from './transports/http/health.js'
import { HttpError } from './transports/http/message.js'

/** Opens what a server needs for as long as it runs. */
export type Lifespan = () => void | AsyncDisposable | Promise<void | AsyncDisposable>

/** From the first start, connection or request until `stop`: what a server needs is open for just as long. */
export class Lifecycle {
  readonly #lifespan: Lifespan | undefined
  readonly #logger: Logger
  #state: ServerStatus['state'] = 'idle'
  #beginning: Promise<void> | undefined
  #resources: void | AsyncDisposable = undefined
  #since = 0
  #lastError: string | undefined

  constructor(lifespan: Lifespan | undefined, logger: Logger) {
    this.#lifespan = lifespan
    this.#logger = logger
  }

  get state(): ServerStatus['state'] {
    return this.#state
  }

  get uptimeMs(): number {
    return this.#state === 'running' ? Date.now() - this.#since : 0
  }

  get lastError(): string | undefined {
    return this.#lastError
  }

  /** Open what is needed, once, however many ask; again after a stop, or where it failed. */
  begin(): Promise<void> {
    if (this.#state === 'running') return Promise.resolve()
    return (this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    }))
  }

  /** The same for a request from an application around the server: one that was stopped stays so. */
  readonly beginForRequest = (): Promise<void> | undefined => {
    if (this.#state === 'running' || this.#state === 'stopping') return undefined
    if (this.#state !== 'stopped') return this.begin()
    return Promise.reject(new HttpError(503, 'The server was stopped', { 'retry-after': '10' }))
  }

  /** No more is to begin. */
  stopping(): void {
    this.#state = 'stopping'
  }

  /** Close what was open. */
  async end(): Promise<void> {
    await this.#beginning?.catch(() => undefined)
    const resources = this.#resources
    this.#resources = undefined
    try {
      await resources?.[Symbol.asyncDispose]()
    } catch (error) {
      this.#logger.error('What the lifespan had opened could not be closed', error)
    }
    this.#state = 'stopped'
  }

  async #begin(): Promise<void> {
    const before = this.#state
    this.#state = 'starting'
    try {
      this.#resources = await this.#lifespan?.()
      this.#since = Date.now()
      this.#lastError = undefined
      this.#state = 'running'
    } catch (error) {
      this.#state = before
      this.#lastError = 'The lifespan failed'
      this.#logger.error('The lifespan failed', error)
      throw error
    }
  }
}
