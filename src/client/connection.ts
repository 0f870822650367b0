import { ConnectionError, HttpStatusError, RequestTimeoutError, SessionForgottenError } from '../errors.js'
import type { EraName } from '../protocol/era.js'
import type { Credentials } from '../sessions/sinks.js'
import type { JsonObject, Meta } from '../protocol/types.js'
import { envelopeOf, type Agreement, type Introduction } from '../protocol/client-dialects.js'
import { negotiate } from './negotiation.js'
import { Peer, type PeerHandlers, type PeerRequest } from './peer.js'
import type { Connector, Way } from './target.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

export interface ConnectionOptions {
  readonly connector: Connector
  /** Those that may be spoken, the best first. */
  readonly eras: readonly EraName[]
  /** Sent with each HTTP request that has no headers of its own. */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined
  /** On whose behalf messages are sent that have no credentials of their own, where the other side trusts that. */
  readonly credentials?: (() => Credentials | undefined) | undefined
  readonly introduction: Introduction
  readonly handlers: Omit<PeerHandlers, 'onClose'>
  /** Called each time it has been opened: what the server is to know again is told then. */
  readonly onOpen?: ((connection: Opened) => Promise<void>) | undefined
  /** Called when an open connection is not open any more. */
  readonly onLost?: (() => void) | undefined
  /** How long opening may take, in milliseconds. */
  readonly openTimeoutMs: number
}

export interface ConnectionRequest extends PeerRequest {
  /** The envelope of who makes it, where that is not the one that opened the connection (2026-07-28). */
  readonly as?: Meta | undefined
}

/** A connection that has just been opened: what is asked over it is asked of it alone. */
export interface Opened {
  readonly agreement: Agreement
  readonly request: (method: string, params: JsonObject, options?: ConnectionRequest) => Promise<JsonObject>
}

interface Open {
  readonly id: string
  readonly peer: Peer
  readonly agreement: Agreement
}

/** A conversation with a server, in the era that it speaks. It is opened by what needs it, and anew when the server has forgotten it. */
export class Connection {
  readonly #options: ConnectionOptions
  #introduction: Introduction
  #envelope: Meta
  #open: Open | undefined
  #opening: Promise<Open> | undefined
  #workingWay: Way | undefined
  #openingPeer: Peer | undefined
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#introduction = options.introduction
    this.#envelope = envelopeOf(options.introduction)
  }

  /** What was agreed on, while it is open. */
  get agreement(): Agreement | undefined {
    return this.#open?.agreement
  }

  /** Whether what the server tells of its own accord is heard now. */
  get hears(): boolean {
    return this.#open?.peer.hears ?? false
  }

  /** Whether the server keeps a session for this connection. */
  get hasSession(): boolean {
    return this.#open?.peer.hasSession ?? false
  }

  /** Identifies the process, or session, that the connection is open to; another one each time it is opened. */
  get openId(): string | undefined {
    return this.#open?.id
  }

  /** Open it, if it is not open. @throws ConnectionError where the server cannot be reached or does not speak as we do. */
  async open(): Promise<Agreement> {
    return (await this.#opened()).agreement
  }

  /**
   * Send a request and wait for its result, in a new session where the old one was forgotten.
   * @throws ProtocolError for an error; ConnectionError where there will be no answer.
   */
  async request(method: string, params: JsonObject, options: ConnectionRequest = {}): Promise<JsonObject> {
    const open = this.#open ?? (await atMost(options, method, this.#opened()))
    try {
      return await this.#send(open, method, params, options)
    } catch (error) {
      if (!(error instanceof ConnectionError) || options.signal?.aborted === true) throw error
      if (error instanceof SessionForgottenError) this.#lose(open)
      else if (!mayRepeat(error, open.peer)) throw error
      return this.#send(await atMost(options, method, this.#opened()), method, params, options)
    }
  }

  /** Say something else of oneself from now on, where that is said with each request (2026-07-28). */
  introduce(changes: Partial<Introduction>): void {
    this.#introduction = { ...this.#introduction, ...changes }
    this.#envelope = envelopeOf(this.#introduction)
  }

  /** Tell the server something, if it is there to be told. */
  notify(method: string, params: JsonObject = {}): void {
    this.#open?.peer.notify(method, params)
  }

  /** Notifies the server that the client's roots have changed, in an era that has such a notification. */
  rootsChanged(): void {
    const method = this.agreement?.dialect.rootsChanged
    if (method !== undefined) this.notify(method)
  }

  /** Opens a new connection for later requests. The present one closes when nothing waits for it any more. */
  replace(): void {
    const open = this.#open
    this.#open = undefined
    open?.peer.retire()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const opening = this.#opening
    const open = this.#open
    await this.#openingPeer?.close().catch(() => undefined)
    this.#open = undefined
    await open?.peer.close()
    opening?.then(({ peer }) => peer.close()).catch(() => undefined)
  }

  #send(
    { peer, agreement }: Open,
    method: string,
    params: JsonObject,
    options: ConnectionRequest,
  ): Promise<JsonObject> {
    return peer.request(method, agreement.dialect.wrap(params, options.as ?? this.#envelope), options)
  }

  /** Many may need it at once: it is opened once. */
  #opened(): Promise<Open> {
    if (this.#open !== undefined) return Promise.resolve(this.#open)
    this.#opening ??= this.#openAnew().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openAnew(): Promise<Open> {
    const { connector, onOpen } = this.#options
    const ways = this.#workingWay === undefined ? connector.ways : [this.#workingWay]
    let failure: unknown
    for (const way of ways) {
      if (this.#isClosed) break
      try {
        const open = await this.#openBy(way)
        this.#workingWay = way
        this.#open = open
        const opened: Opened = {
          agreement: open.agreement,
          request: (method, params, options = {}) => this.#send(open, method, params, options),
        }
        await onOpen?.(opened).catch((error: unknown) => {
          this.#lose(open)
          throw error
        })
        return open
      } catch (error) {
        failure = error
        if (!mayBeOtherTransport(error)) break
      }
    }
    throw this.#isClosed ? new ConnectionError('The connection is closed', 'not begun') : failure
  }

  async #openBy(way: Way): Promise<Open> {
    const { handlers, eras, headers, credentials, openTimeoutMs } = this.#options
    const transport = await way(headers, credentials)
    const peer: Peer = new Peer(transport, {
      ...handlers,
      onClose: () => {
        if (this.#open?.peer === peer) this.#lose(this.#open)
      },
    })
    this.#openingPeer = peer
    try {
      await within(openTimeoutMs, peer.start())
      const meant = eras.filter((era) => transport.eras?.includes(era) ?? true)
      const agreement = await negotiate(
        peer,
        meant.length > 0 ? meant : eras,
        this.#introduction,
        openTimeoutMs,
      )
      if (this.#isClosed) throw new ConnectionError('The connection is closed', 'not begun')
      peer.tellsOff = agreement.dialect.sendsCancelled(transport.hasPerRequestStream === true)
      return { id: crypto.randomUUID(), peer, agreement }
    } catch (error) {
      await peer.close().catch(() => undefined)
      throw error
    } finally {
      this.#openingPeer = undefined
    }
  }

  /** Of many that find out, the first one counts. */
  #lose(open: Open): void {
    if (this.#open !== open) return
    this.#open = undefined
    // Others that wait are answered, or find out for themselves.
    open.peer.retire()
    this.#options.onLost?.()
  }
}

/** Only a request that was certainly not sent is sent again, over a new connection. */
function mayRepeat(error: ConnectionError, { isClosed }: Peer): boolean {
  const isAnswer = error instanceof RequestTimeoutError || error instanceof HttpStatusError
  return !isAnswer && error.outcome === 'not begun' && isClosed
}

/** A server that does not take what is posted to it may be one of 2024 (2025-11-25, basic/transports, Backwards Compatibility). */
function mayBeOtherTransport(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status >= 400 && error.status < 500
}

/** Wait for a connection, but not longer than for the answer that it is to bring. */
function atMost<T>({ signal, timeoutMs }: PeerRequest, method: string, opening: Promise<T>): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return opening
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal?.reason)
    }
    const timer =
      timeoutMs === undefined || timeoutMs > LONGEST_TIMER_MS
        ? undefined
        : setTimeout(() => {
            reject(new RequestTimeoutError(method, timeoutMs, 'not begun'))
          }, timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted === true) onAbort()
    opening.then(resolve, reject).finally(settle)
  })
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectionError(`The server could not be reached within ${ms} ms`, 'not begun'))
    }, ms)
  })
  try {
    await Promise.race([work, tooLong])
  } finally {
    clearTimeout(timer)
  }
}
