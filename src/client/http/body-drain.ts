import type { ResponseHandler } from './http-client.js'

/** How much of a body that is not needed is read, so that its connection can be used again, in bytes and in milliseconds. */
const MAX_DRAINED_BYTES = 64 * 1024
const MAX_DRAIN_MS = 1000

/** Reads a body that is not needed to its end, within bounds. */
export class BodyDrain implements Pick<ResponseHandler, 'onChunk' | 'onEnd'> {
  readonly #onDone: (error: Error | undefined) => void
  readonly #timer: ReturnType<typeof setTimeout>
  #length = 0
  #isDone = false

  /** `onDone` gets an error if the body is too long or takes too long: its connection has to be destroyed then. */
  constructor(onDone: (error: Error | undefined) => void) {
    this.#onDone = onDone
    this.#timer = setTimeout(() => {
      this.#done(new Error(`The rest of the response did not arrive within ${MAX_DRAIN_MS} ms`))
    }, MAX_DRAIN_MS)
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  onChunk({ length }: Uint8Array): void {
    this.#length += length
    if (this.#length > MAX_DRAINED_BYTES)
      this.#done(new Error(`The rest of the response is longer than ${MAX_DRAINED_BYTES} bytes`))
  }

  onEnd(): void {
    this.#done(undefined)
  }

  stop(): void {
    this.#isDone = true
    clearTimeout(this.#timer)
  }

  #done(error: Error | undefined): void {
    if (this.#isDone) return
    this.stop()
    this.#onDone(error)
  }
}
