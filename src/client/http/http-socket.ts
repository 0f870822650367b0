import type { OnReadOpts, Socket } from 'node:net'
import type { HttpExchange } from './http-exchange.js'
import { KEPT_MS, ResponseReader, type ResponseHead, type ResponseListener } from './response-reader.js'

/** How much is read at once, in bytes: there is room for that in each socket. */
const READ_BYTES = 32 * 1024

/** What a socket tells those that keep it. */
interface Keeper {
  /** It can be used for another request now, until `keptUntil`. */
  onFree(socket: HttpSocket): void
  onGone(socket: HttpSocket): void
}

/** A socket to a server: one request at a time. */
export class HttpSocket implements ResponseListener {
  /** When it was last used, and until when it may be used again, on the clock of `performance`. */
  freeSince = 0
  keptUntil = 0
  /** Whether it is connected. */
  isReady = false
  readonly #socket: Socket
  readonly #keeper: Keeper
  readonly #reader = new ResponseReader()
  #exchange: HttpExchange | undefined
  #keepMs = 0

  /** `ready`: the event that says that it is connected. */
  constructor(connect: (onread: OnReadOpts) => Socket, ready: 'connect' | 'secureConnect', keeper: Keeper) {
    this.#socket = connect(this.#reading())
    this.#keeper = keeper
    let failure: unknown
    this.#socket
      .once(ready, () => {
        this.isReady = true
        if (this.#exchange !== undefined) this.#write(this.#exchange)
      })
      .on('end', () => {
        try {
          this.#reader.end()
        } catch (error) {
          this.destroy(error as Error)
        }
      })
      .on('error', (error) => {
        failure = error
      })
      .on('close', () => {
        keeper.onGone(this)
        this.#exchange?.broke(failure)
      })
  }

  /** Whether a request can be sent over it. */
  get isUsable(): boolean {
    return this.#exchange === undefined && this.#socket.writable && !this.#socket.destroyed
  }

  /** Send a request, as soon as it is connected. */
  run(exchange: HttpExchange): void {
    this.#exchange = exchange
    exchange.begin(() => {
      this.#hangUp()
    })
    this.#socket.ref()
    if (this.isReady) this.#write(exchange)
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error)
  }

  onHead(head: ResponseHead): void {
    this.#keepMs = head.keepMs
    this.#exchange?.onHead(head)
  }

  onBody(piece: Buffer): void {
    this.#exchange?.onBody(piece)
  }

  onEnd(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    // A server that has answered before it has heard everything is not asked again.
    const isHeard = this.#socket.writableLength === 0
    if (this.#keepMs > 0 && isHeard && this.isUsable) this.#free(this.#keepMs)
    else this.destroy()
    exchange?.onEnd()
  }

  #write(exchange: HttpExchange): void {
    exchange.isBegun = true
    this.#reader.expect(this)
    this.#socket.write(exchange.bytes)
  }

  /** What is not connected yet serves the next as well as who gave it up. */
  #hangUp(): void {
    if (this.isReady || this.#socket.destroyed) {
      this.destroy()
      return
    }
    this.#exchange = undefined
    this.#free(KEPT_MS)
  }

  #free(keepMs: number): void {
    this.freeSince = performance.now()
    this.keptUntil = this.freeSince + keepMs
    this.#socket.unref()
    this.#keeper.onFree(this)
  }

  /** Into the same room each time, not into some of its own for each piece: a stream would make that, and leave it to the garbage collector. */
  #reading(): OnReadOpts {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const callback = (length: number): boolean => {
      try {
        this.#reader.read(buffer.subarray(0, length))
      } catch (error) {
        this.destroy(error as Error)
      }
      return true
    }
    return { buffer, callback }
  }
}
