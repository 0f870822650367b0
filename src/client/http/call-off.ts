import type { SendOptions } from '../../transports/transport.js'

/** Whether a request was called off, and what that ends: the POST that it is at first, then whatever resumes its stream. */
export class CallOff {
  #reason: { readonly value: unknown } | undefined
  #end: ((reason: unknown) => void) | undefined

  constructor(options: SendOptions) {
    if (options.whenCalledOff !== undefined) {
      options.whenCalledOff(this.now)
      return
    }
    // Read only where it is needed: there may be none before.
    const { requestSignal } = options
    requestSignal?.addEventListener('abort', () => {
      this.now(requestSignal.reason)
    })
  }

  get isDone(): boolean {
    return this.#reason !== undefined
  }

  /** Call it off. */
  readonly now = (reason: unknown): void => {
    this.#reason ??= { value: reason }
    this.#end?.(reason)
  }

  /** What it ends from now on. */
  readonly ends = (end: (reason: unknown) => void): void => {
    this.#end = end
    if (this.#reason !== undefined) end(this.#reason.value)
  }
}
