import { ConnectionError, ProtocolError } from '../errors.js'
import { KINDS, COMPONENT_KINDS } from '../protocol/kinds.js'
import type { JsonObject } from '../protocol/types.js'
import { backOff } from '../util/back-off.js'
import type { Connection, Opened } from './connection.js'

/** How long a server may take to acknowledge what is listened to, in milliseconds. */
const ACKNOWLEDGE_TIMEOUT_MS = 15_000
const PATIENCE = { timeoutMs: ACKNOWLEDGE_TIMEOUT_MS }

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
const UPDATED = 'notifications/resources/updated'
const LIST_METHODS: ReadonlySet<string> = new Set(COMPONENT_KINDS.map((kind) => KINDS[kind].listChanged))

/** What is done with what a server tells. */
export interface Heard {
  /** `method` is the notification's. */
  readonly listChanged: (method: string) => void
  readonly resourceUpdated: (uri: string) => void
}

/** One `subscriptions/listen`, and those that follow where its stream ends. */
class Listening {
  readonly controller = new AbortController()
  isAcknowledged = false
  fail: (error: unknown) => void = () => undefined
  #resolve: () => void = () => undefined
  #wasAcknowledged = false
  readonly acknowledged = new Promise<void>((resolve, reject) => {
    this.#resolve = resolve
    this.fail = reject
  })

  constructor() {
    this.acknowledged.catch(() => undefined)
  }

  /** Gives whether it was for the first time. */
  acknowledge(): 'first' | 'again' {
    const which = this.#wasAcknowledged ? 'again' : 'first'
    this.#wasAcknowledged = this.isAcknowledged = true
    this.#resolve()
    return which
  }
}

/**
 * What a connection is to hear of: by `resources/subscribe` up to 2025-11-25, where changed lists are told
 * without asking, and from 2026-07-28 on by one `subscriptions/listen` that says it all.
 */
export class Subscriptions {
  readonly #connection: () => Connection
  readonly #heard: Heard
  readonly #wantsLists: boolean
  readonly #counts = new Map<string, number>()
  /** Resources that are being added, which `add` sends itself. */
  readonly #adding = new Set<string>()
  #listening: Listening | undefined
  #work: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #isClosed = false

  constructor(connection: () => Connection, wantsLists: boolean, heard: Heard) {
    this.#connection = connection
    this.#wantsLists = wantsLists
    this.#heard = heard
  }

  /** Hear of a resource. @throws ProtocolError, ConnectionError where the server does not take it. */
  async add(uri: string): Promise<void> {
    const count = this.#counts.get(uri) ?? 0
    this.#counts.set(uri, count + 1)
    if (count > 0) return
    this.#adding.add(uri)
    try {
      const { resourceSubscription } = (await this.#connection().open()).dialect
      if (resourceSubscription === undefined) await this.#listen()
      else await this.#connection().request(resourceSubscription.add, { uri }, PATIENCE)
    } catch (error) {
      this.#forget(uri)
      throw error
    } finally {
      this.#adding.delete(uri)
    }
  }

  /** Hear of it no more. */
  async delete(uri: string): Promise<void> {
    if (!this.#forget(uri)) return
    const { dialect } = this.#connection().agreement ?? {}
    if (dialect === undefined) return
    const { resourceSubscription } = dialect
    if (resourceSubscription === undefined) await this.#listen()
    else await this.#connection().request(resourceSubscription.remove, { uri }, PATIENCE)
  }

  /** The connection has been opened, perhaps anew: say again what is to be heard. */
  async restore({ agreement, request }: Opened): Promise<void> {
    const { resourceSubscription } = agreement.dialect
    if (resourceSubscription === undefined) {
      // It is not waited for: a server may never acknowledge it.
      if (this.#wantsLists || this.#counts.size > 0) this.#listen().catch(() => undefined)
      return
    }
    for (const uri of [...this.#counts.keys()].filter((key) => !this.#adding.has(key)))
      await request(resourceSubscription.add, { uri }, PATIENCE).catch(ignoreRefusal)
  }

  /** Take a notification. Gives whether it was one of these. */
  notified(method: string, params: JsonObject, about: unknown): boolean {
    if (method === ACKNOWLEDGED) {
      const listening = about instanceof Listening ? about : this.#listening
      if (listening?.acknowledge() === 'again') this.#missed()
      return true
    }
    if (LIST_METHODS.has(method)) {
      this.#heard.listChanged(method)
      return true
    }
    if (method !== UPDATED) return false
    if (typeof params['uri'] === 'string') this.#heard.resourceUpdated(params['uri'])
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#counts.clear()
    this.#listening?.controller.abort(new ConnectionError('The connection is closed', 'not begun'))
    this.#listening = undefined
  }

  /** Gives whether nobody wants it any more. */
  #forget(uri: string): boolean {
    const count = this.#counts.get(uri) ?? 0
    if (count > 1) this.#counts.set(uri, count - 1)
    else this.#counts.delete(uri)
    return count === 1
  }

  /** Whether the server notifies of changed lists now. */
  get isListening(): boolean {
    const { agreement, hears } = this.#connection()
    // Up to 2025-11-25 that needs no request.
    if (agreement?.dialect.resourceSubscription !== undefined) return hears
    return this.#listening?.isAcknowledged === true
  }

  /** Several changes at once are said at once, and one after the other. */
  #listen(): Promise<void> {
    this.#next ??= this.#work.then(() => {
      this.#next = undefined
      return this.#listenNow()
    })
    this.#work = this.#next.catch(() => undefined)
    return this.#next
  }

  /** Say what is to be heard now. What was said before ends once that is acknowledged, so that nothing is missed. */
  async #listenNow(): Promise<void> {
    const before = this.#listening
    const listening = (this.#listening =
      this.#wantsLists || this.#counts.size > 0 ? new Listening() : undefined)
    if (listening !== undefined) {
      void this.#keepListening(listening)
      const timer = setTimeout(() => {
        listening.fail(new ConnectionError('The server did not acknowledge the subscription', 'unknown'))
      }, ACKNOWLEDGE_TIMEOUT_MS)
      await listening.acknowledged.finally(() => {
        clearTimeout(timer)
        before?.controller.abort(new Error('Something else is listened to now'))
      })
    } else before?.controller.abort(new Error('Nothing is listened to now'))
  }

  /** Until it is said otherwise, come back when the stream ends. */
  async #keepListening(listening: Listening): Promise<void> {
    const { signal } = listening.controller
    for (let attempt = 0; !signal.aborted && !this.#isClosed; attempt++) {
      try {
        const options = { signal, about: listening }
        await this.#connection().request('subscriptions/listen', { notifications: this.#filter }, options)
      } catch (error) {
        listening.fail(error)
        // A connection that is opened anew has it said again.
        if (!(error instanceof ConnectionError) || this.#connection().agreement === undefined) return
      }
      listening.isAcknowledged = false
      await backOff(attempt, signal).catch(() => undefined)
    }
  }

  /** What changed while nothing was heard is not known: everything may have. */
  #missed(): void {
    for (const method of LIST_METHODS) this.#heard.listChanged(method)
    for (const uri of this.#counts.keys()) this.#heard.resourceUpdated(uri)
  }

  get #filter(): JsonObject {
    const lists = COMPONENT_KINDS.map((kind) => [KINDS[kind].listenFilter, true] as const)
    return {
      ...(this.#wantsLists && Object.fromEntries(lists)),
      ...(this.#counts.size > 0 && { resourceSubscriptions: [...this.#counts.keys()] }),
    }
  }
}

/** A server that does not know a subscription, or not any more, is used without it. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ProtocolError) && !(error instanceof ConnectionError)) throw error
}
