/** How much the last answer counts towards the time that answers lately took. */
const WEIGHT = 0.2

/** What is known of how a server behind a proxy is doing. */
export class Health {
  #state: 'idle' | 'connecting' | 'connected' | 'unavailable' = 'idle'
  #latencyMs: number | undefined
  #lastError: string | undefined
  readonly #onChange: (state: Health['state'], error: unknown) => void

  /** `onChange` is told of each change between being there and not. */
  constructor(onChange: (state: Health['state'], error: unknown) => void) {
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

  connecting(): void {
    if (this.#state === 'idle') this.#state = 'connecting'
  }

  connected(): void {
    this.#become('connected', undefined)
  }

  /** It could not be reached. */
  failed(error: unknown): void {
    this.#lastError = error instanceof Error ? error.message : String(error)
    this.#become('unavailable', error)
  }

  /** It is not used any more. */
  closed(): void {
    this.#state = 'idle'
  }

  answered(ms: number): void {
    this.connected()
    this.#latencyMs = this.#latencyMs === undefined ? ms : this.#latencyMs + WEIGHT * (ms - this.#latencyMs)
  }

  /** One request went wrong, whatever that says of the next. */
  erred(error: unknown): void {
    this.#lastError = error instanceof Error ? error.message : String(error)
  }

  #become(state: Health['state'], error: unknown): void {
    if (this.#state === state) return
    this.#state = state
    this.#onChange(state, error)
  }
}
