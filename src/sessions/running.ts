import { ErrorCode, OverloadedError, ProtocolError } from '../errors.js'
import type { Exchange } from './exchange.js'

/** Every request of a server that is being answered now. */
export class Running {
  readonly #most: number
  /** Each knows its place among them. */
  readonly #exchanges: Exchange[] = []
  #whenEmpty: (() => void) | undefined
  #isRefusing = false

  get size(): number {
    return this.#exchanges.length
  }

  /** Let the clients of what has been running for a while know that it still does. Gives whether anything runs. */
  keepAlive(): boolean {
    for (const exchange of this.#exchanges) exchange.keepAlive()
    return this.#exchanges.length > 0
  }

  constructor(most: number) {
    this.#most = most
  }

  /** Take one more, beside so many that only listen. @throws ProtocolError while the server stops; OverloadedError while it has as much to do as it takes on. */
  admit(listeners: number): void {
    if (this.#exchanges.length - listeners >= this.#most) throw new OverloadedError(this.#most)
    if (this.#isRefusing) throw new ProtocolError(ErrorCode.InternalError, 'The server is stopping')
  }

  add(exchange: Exchange): void {
    exchange.place = this.#exchanges.push(exchange) - 1
  }

  delete(exchange: Exchange): void {
    const last = this.#exchanges.pop() as Exchange
    if (last !== exchange) {
      this.#exchanges[exchange.place] = last
      last.place = exchange.place
    }
    if (this.#exchanges.length === 0) this.#whenEmpty?.()
  }

  /** Refuse what is new, or take it again. */
  set isRefusing(isRefusing: boolean) {
    this.#isRefusing = isRefusing
  }

  /** Wait for what runs, but no longer than `graceMs`; then call the rest off. */
  async drain(graceMs: number): Promise<void> {
    if (this.#exchanges.length > 0) await this.#emptied(graceMs)
    for (const exchange of [...this.#exchanges]) exchange.cancel('the server stops')
    this.#whenEmpty = undefined
  }

  #emptied(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      this.#whenEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
