import { ConnectionError } from '../../errors.js'
import type { HttpAnswer, HttpAsked } from './http-client.js'
import type { ResponseHead, ResponseListener } from './response-reader.js'

/** How much of a body that is not wanted is read, so that its connection can be used again, in bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024

/** One request, from when it waits for a socket until its answer has been read. */
export class HttpExchange implements HttpAnswer, ResponseListener {
  /** The request as it is sent. */
  readonly bytes: Buffer
  /** Whether anything of it may have reached the server. */
  isBegun = false
  status = 0
  readonly #origin: string
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (error: unknown) => void
  #head: ResponseHead | undefined
  #hangUp: (() => void) | undefined
  #unfollow: (() => void) | undefined
  #take: ((piece: Uint8Array) => void) | undefined
  #whenRead: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined
  /** What came before somebody wanted to read it. */
  #early: Buffer[] = []
  #over: { readonly error: unknown } | undefined

  constructor(
    origin: string,
    bytes: Buffer,
    { signal, whenCalledOff }: HttpAsked,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#origin = origin
    this.bytes = bytes
    this.#resolve = resolve
    this.#reject = reject
    whenCalledOff?.(this.#callOff)
    if (signal !== undefined && this.#over === undefined) this.#follow(signal)
  }

  /** Whether it needs no answer any more. */
  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** `hangUp` ends the connection that it runs over. */
  begin(hangUp: () => void): void {
    this.#hangUp = hangUp
  }

  onHead(head: ResponseHead): void {
    this.status = head.status
    this.#head = head
    this.#resolve(this)
  }

  onBody(piece: Buffer): void {
    if (this.#take === undefined) this.#early.push(Buffer.from(piece))
    else this.#give(this.#take, piece)
  }

  onEnd(): void {
    this.#finish(undefined)
  }

  /** There will be no answer, or no more of it. */
  broke(cause: unknown): void {
    const [message, outcome] = this.isBegun
      ? ([`The connection to ${this.#origin} broke`, 'unknown'] as const)
      : ([`${this.#origin} cannot be reached`, 'not begun'] as const)
    this.#finish(new ConnectionError(message, outcome, cause))
  }

  header(name: string): string | undefined {
    return this.#head?.header(name)
  }

  get whole(): Uint8Array | undefined {
    const isThere = this.#over !== undefined && this.#over.error === undefined
    return isThere && this.#early.length === 1 ? this.#early[0] : undefined
  }

  read(take: (piece: Uint8Array) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#whenRead = { resolve, reject }
      this.#take = take
      const early = this.#early
      this.#early = []
      for (const piece of early) this.#give(take, piece)
      if (this.#over !== undefined) this.#tellEnd(this.#over.error)
    })
  }

  discard(): void {
    let length = 0
    this.#early = []
    this.#take = (piece) => {
      length += piece.length
      if (length > MAX_DISCARDED_BYTES) throw new Error('Nobody wants to know')
    }
  }

  readonly #callOff = (reason: unknown): void => {
    this.#finish(reason ?? new Error('It was called off'))
  }

  #follow(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.#callOff(signal.reason)
    }
    signal.addEventListener('abort', onAbort)
    this.#unfollow = () => {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** A reader that takes no more ends the connection. */
  #give(take: (piece: Uint8Array) => void, piece: Buffer): void {
    if (this.#over?.error !== undefined) return
    try {
      take(piece)
    } catch (error) {
      // It may have come to its end before it was read.
      if (this.#over === undefined) this.#finish(error)
      else this.#over = { error }
    }
  }

  #finish(error: unknown): void {
    if (this.#over !== undefined) return
    this.#over = { error }
    this.#unfollow?.()
    if (error !== undefined) this.#hangUp?.()
    if (this.status === 0) this.#reject(error)
    this.#tellEnd(error)
  }

  #tellEnd(error: unknown): void {
    if (error === undefined) this.#whenRead?.resolve()
    else this.#whenRead?.reject(error)
  }
}
