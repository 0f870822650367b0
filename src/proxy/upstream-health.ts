/** The weight of the latest response in the average latency. */
const WEIGHT = 0.2

/** The state of an upstream server, as `status()` shows it. */
export class UpstreamHealth {
  #state: 'idle' | 'connecting' | 'connected' | 'unavailable' = 'idle'
  #latencyMs: number | undefined
  #lastError: string | undefined
  readonly #onChange: (state: UpstreamHealth['state'], error: unknown) => void

  /** `onChange` is called each time the server becomes available or unavailable. */
  constructor(onChange: (state: UpstreamHealth['state'], error: unknown) => void) {
    this.#onChange = onChange
  }

  get state(): 'idle' | 'connecting' | 'connected' | 'unavailable' {
    return this.#state
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs
  }

  get lastError(): string | undefined {
    return this.#lastError
  }

  markConnecting(): void {
    if (this.#state === 'idle') this.#state = 'connecting'
  }

  markConnected(): void {
    this.#become('connected', undefined)
  }

  /** The server could not be reached. */
  markUnavailable(error: unknown): void {
    this.recordError(error)
    this.#become('unavailable', error)
  }

  /** The server is not used any more. */
  markIdle(): void {
    this.#state = 'idle'
  }

  recordLatency(ms: number): void {
    this.markConnected()
    this.#latencyMs = this.#latencyMs === undefined ? ms : this.#latencyMs + WEIGHT * (ms - this.#latencyMs)
  }

  /** Records the failure of one request, which says nothing about the next. */
  recordError(error: unknown): void {
    this.#lastError = error instanceof Error ? error.message : String(error)
  }

  #become(state: UpstreamHealth['state'], error: unknown): void {
    if (this.#state === state) return
    this.#state = state
    this.#onChange(state, error)
  }
}
