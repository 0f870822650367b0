import type { Lifespan } from './lifespan.js'
import type { ServerStatus } from './transports/http/health.js'
import { HttpError } from './transports/http/message.js'

/** From the first start, connection or request until `stop`: what a server needs is open for just as long. */
export class Lifecycle {
  readonly #lifespan: Lifespan
  #state: ServerStatus['state'] = 'idle'
  #beginning: Promise<void> | undefined
  #isOpen = false
  #since = 0

  constructor(lifespan: Lifespan) {
    this.#lifespan = lifespan
  }

  get state(): ServerStatus['state'] {
    return this.#state
  }

  get uptimeMs(): number {
    return this.#state === 'running' ? Date.now() - this.#since : 0
  }

  get lastError(): string | undefined {
    return this.#lifespan.lastError
  }

  /** Open what is needed, once, however many ask; again after a stop, or where it failed. */
  begin(): Promise<void> {
    if (this.#state === 'running') return Promise.resolve()
    if (this.#state === 'stopping') return Promise.reject(stopped())
    return (this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    }))
  }

  /** The same for a request from an application around the server: one that was stopped stays so. */
  readonly beginForRequest = (): Promise<void> | undefined => {
    if (this.#state === 'running' || this.#state === 'stopping') return undefined
    if (this.#state !== 'stopped') return this.begin()
    return Promise.reject(stopped())
  }

  /** No more is to begin. */
  stopping(): void {
    this.#state = 'stopping'
  }

  /** Close what was open. */
  async end(): Promise<void> {
    await this.#beginning?.catch(() => undefined)
    if (this.#isOpen) await this.#lifespan.release()
    this.#isOpen = false
    this.#state = 'stopped'
  }

  async #begin(): Promise<void> {
    const before = this.#state
    this.#state = 'starting'
    try {
      await this.#lifespan.acquire()
    } catch (error) {
      if (this.#state === 'starting') this.#state = before
      throw error
    }
    this.#isOpen = true
    // It may have been stopped meanwhile.
    if (this.#state !== 'starting') throw stopped()
    this.#since = Date.now()
    this.#state = 'running'
  }
}

function stopped(): HttpError {
  return new HttpError(503, 'The server was stopped', { 'retry-after': '10' })
}
