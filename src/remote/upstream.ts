import { ANY_ERA } from '../client/negotiation.js'
import { relayOf, type Caller, type Context } from '../components/context.js'
import { BusyError, ConnectionError, HttpStatusError, ProtocolError, UnauthorizedError } from '../errors.js'
import type { EraName } from '../protocol/era.js'
import type { ClientCapabilities, JsonObject } from '../protocol/types.js'
import { viaAfter } from '../protocol/via.js'
import type { UpstreamStatus } from '../providers/provider.js'
import { askedThrough } from './asked-through.js'
import { Semaphore } from '../util/semaphore.js'
import { Health } from './health.js'
import { HeldCalls } from './held-calls.js'
import type { House } from './house.js'
import { Houses, isShared } from './houses.js'
import { hearEverything, linkMaker, type MakeLink } from './link-maker.js'
import type { Link, LinkFor, Principal } from './link.js'
import { Links } from './links.js'
import { OnBehalf, type Within } from './on-behalf.js'
import { limitsOf, type Limits, type UpstreamSettings } from './options.js'

/** What goes wrong with a server that is there. */
const ANSWERED = [BusyError, HttpStatusError, UnauthorizedError]

/** What is to be run on a server. */
export interface RemoteCall {
  readonly method: string
  readonly params: JsonObject
  /** HTTP headers that repeat arguments (2026-07-28). */
  readonly mirrored?: Readonly<Record<string, string>> | undefined
}

/** A server behind a proxy: the connections to it, and what runs over which of them. */
export class Upstream {
  readonly name: string
  readonly #settings: UpstreamSettings
  readonly #limits: Limits
  readonly #health: Health
  readonly #semaphore: Semaphore
  readonly #makeLink: MakeLink
  readonly #houses: Houses
  readonly #links: Links
  readonly #held = new HeldCalls()
  /** Whether it was seen to speak nothing but 2026-07-28. */
  #isNew = false

  /** @throws TypeError for limits that cannot be meant. */
  constructor(settings: UpstreamSettings) {
    const { name, connector, onProblem } = settings
    this.name = name
    this.#settings = settings
    this.#limits = limitsOf(settings, connector)
    this.#semaphore = new Semaphore({
      limit: this.#limits.maxConcurrency,
      socketLimit: connector.maxSockets,
      queueLimit: this.#limits.maxQueue,
    })
    this.#health = new Health((state, error) => {
      if (state !== 'unavailable') return
      onProblem(`Upstream '${name}' is unavailable`, error)
      void this.#houses.common?.recover()
    })
    this.#makeLink = linkMaker(settings, this.#limits)
    this.#houses = new Houses(settings, this.#limits, this.#health, this.#makeLink)
    this.#links = new Links(name, (...asked) => this.#ownLink(...asked), this.#limits)
  }

  get status(): UpstreamStatus {
    const { state, latencyMs, lastError } = this.#health
    return {
      name: this.name,
      target: this.#settings.connector.label,
      state,
      protocolVersion: this.#houses.common?.link.connection.agreement?.protocolVersion,
      latencyMs,
      lastError,
      connections: this.#links.size + this.#houses.size,
      pending: this.pending,
    }
  }

  /** How many requests are under way or wait for their turn. */
  get pending(): number {
    return this.#semaphore.size
  }

  get isHttp(): boolean {
    return this.#settings.connector.kind === 'http'
  }

  /** Whether it is a server of this process that is told who asks. */
  get tellsWho(): boolean {
    return this.#settings.tellsWho === true
  }

  get isAvailable(): boolean {
    return this.#health.state !== 'unavailable'
  }

  /** Whether everybody gets to see what a caller does. */
  isForAll(caller: Caller | undefined): boolean {
    const { headers } = this.#settings
    const isOnes = this.#houses.sessionAlone(caller) ?? this.#houses.credentialsOf(caller)
    return headers === undefined && isOnes === undefined
  }

  /** Whether a session in front has a connection to it. */
  serves(context: Context): boolean {
    const { session } = relayOf(context)
    return session !== undefined && this.#links.has(session)
  }

  /** Where lists come from for somebody. */
  houseFor(caller: Caller | undefined): House {
    return this.#houses.for(caller)
  }

  /**
   * Connect, and stay connected; unless there is nobody yet to connect for, as where headers are
   * made of who asks, and where each session gets a process of its own.
   */
  keepOpen(): void {
    const { headers, connector } = this.#settings
    if (headers === undefined && (connector.kind !== 'process' || isShared(this.#settings)))
      this.houseFor(undefined).keepOpen()
  }

  /**
   * Run something on behalf of a client in front.
   * @throws ProtocolError for an error of the server; ConnectionError where there was no answer.
   */
  run(call: RemoteCall, context: Context): Promise<JsonObject> {
    const relay = relayOf(context)
    const { caller, signal } = relay
    const headers = this.#houses.headersFor(caller)
    const within = { context, relay, signal, headers }
    const house = this.#houses.for(caller, headers)
    const opening = this.isAvailable ? undefined : house.open()
    if (!(opening instanceof Promise)) return this.#runThrough(house, call, within)
    return opening.then(() => this.#runThrough(house, call, within))
  }

  async close(): Promise<void> {
    this.#held.close()
    await Promise.all([this.#links.close(), this.#houses.close()])
    this.#settings.connector.close()
    this.#health.closed()
  }

  #runThrough(house: House, call: RemoteCall, within: Within): Promise<JsonObject> {
    const { session, caller } = within.relay
    const isNew = this.#settings.era === '2026-07-28' || this.#isNew
    if (session !== undefined && caller.era === '2025-11-25' && !isNew && !this.#hasOneLinkFor(caller))
      return this.#runOn(this.#links.ofSession(session, within.context), call, within)
    const opened = house.link.connection.agreement ?? house.open()
    if (!(opened instanceof Promise)) return this.#runInHouse(house, opened.era, call, within)
    return opened.then(({ era }) => this.#runInHouse(house, era, call, within))
  }

  /** Whether all that somebody runs goes over the connection of his house. */
  #hasOneLinkFor(caller: Caller): boolean {
    return isShared(this.#settings) || this.#houses.sessionAlone(caller) !== undefined
  }

  /** A server before 2026-07-28 that asks is answered in a later request, so that the call has to be held until then. */
  #runInHouse(house: House, era: EraName, call: RemoteCall, within: Within): Promise<JsonObject> {
    const { relay } = within
    const { caller } = relay
    const mayBeAsked = caller.era === '2026-07-28' && canBeAsked(caller.capabilities)
    if (era === '2026-07-28' || !mayBeAsked) return this.#runApart(house, era, call, within)
    const key = `${relay.turn()} ${this.name} ${call.method}`
    return this.#held.run(key, relay, (principal, whileHeld) =>
      this.#runApart(house, era, call, { ...within, signal: whileHeld }, principal),
    )
  }

  /** Over what all use, where that keeps it apart from others, else over a connection of its own. */
  #runApart(
    house: House,
    era: EraName,
    call: RemoteCall,
    within: Within,
    principal?: Principal,
  ): Promise<JsonObject> {
    const { caller, logLevel } = within.relay
    // A pipe does not say which of several calls a message of the log belongs to.
    const tellsWhose = this.#settings.connector.kind !== 'process' || logLevel === undefined
    return this.#hasOneLinkFor(caller) || (era === '2026-07-28' && tellsWhose)
      ? this.#runOn(house.link, call, within, principal)
      : this.#runAlone(house, call, within, principal)
  }

  /** Over a connection of its own for as long as it lasts: that of the house, if it is a process that has nothing to do. */
  async #runAlone(
    house: House,
    call: RemoteCall,
    within: Within,
    principal?: Principal,
  ): Promise<JsonObject> {
    const { caller } = within.relay
    const isAnonymous = caller.principal === undefined
    if (this.#settings.connector.kind === 'process' && isAnonymous && house.link.isIdle)
      return this.#runOnProcess(house, call, within, principal)
    const key = JSON.stringify([within.headers, caller.principal, caller.info, caller.capabilities])
    const { link, release } = await this.#links.forCall(key, within.context, within.signal)
    let isClean = false
    try {
      const result = await this.#runOn(link, call, within, principal)
      isClean = true
      return result
    } catch (error) {
      isClean = error instanceof ProtocolError
      throw error
    } finally {
      release(isClean)
    }
  }

  /** Over the process that anonymous callers share: after a call without a response the process may speak for that call. */
  async #runOnProcess(
    house: House,
    call: RemoteCall,
    within: Within,
    principal?: Principal,
  ): Promise<JsonObject> {
    const { link } = house
    const { begun } = link
    link.isReserved = true
    try {
      return await this.#runOn(link, call, within, principal)
    } catch (error) {
      if (!(error instanceof ProtocolError) && link.begun !== begun) house.replace()
      throw error
    } finally {
      link.isReserved = false
    }
  }

  #runOn(link: Link, call: RemoteCall, within: Within, principal?: Principal): Promise<JsonObject> {
    const { agreement } = link.connection
    if (agreement !== undefined) return this.#runIn(agreement.era, link, call, within, principal)
    return link.connection.open().then(({ era }) => this.#runIn(era, link, call, within, principal))
  }

  #runIn(
    era: EraName,
    link: Link,
    call: RemoteCall,
    within: Within,
    principal?: Principal,
  ): Promise<JsonObject> {
    if (era === '2025-11-25') return this.#send(link, call, within, principal)
    const { relay } = within
    if (relay.caller.era === '2025-11-25') this.#isNew = true
    return askedThrough(relay, relay.turn(), `${this.name} ${call.method}`, (answered) =>
      this.#send(
        link,
        answered === undefined ? call : { ...call, params: { ...call.params, ...answered } },
        within,
        principal,
      ),
    )
  }

  async #send(link: Link, call: RemoteCall, within: Within, principal?: Principal): Promise<JsonObject> {
    const { relay, signal } = within
    const behalf = this.#onBehalf(call, within, principal)
    const { timeoutMs } = this.#limits
    const admitted = this.#semaphore.acquire(signal, () => new BusyError(this.name), timeoutMs)
    if (admitted !== undefined) await admitted
    const began = performance.now()
    link.enter(behalf)
    try {
      const { method, params } = call
      const all = relay.meta === undefined ? params : { ...params, _meta: relay.meta }
      const result = await link.connection.request(method, all, behalf)
      if (!behalf.isOver) this.#health.answered(performance.now() - began)
      return result
    } catch (error) {
      if (error instanceof ConnectionError && !signal.aborted) this.#failed(error)
      throw error
    } finally {
      link.leave(behalf)
      behalf.end()
      this.#semaphore.releaseSocket()
    }
  }

  #onBehalf({ mirrored }: RemoteCall, within: Within, principal?: Principal): OnBehalf {
    const { caller } = within.relay
    const credentials = this.#houses.credentialsOf(caller)
    const { timeoutMs } = this.#limits
    const via = viaAfter(caller.via, this.#settings.signature)
    const isBare = within.headers === undefined && mirrored === undefined
    const headers = isBare ? { via } : { ...within.headers, ...mirrored, via }
    return new OnBehalf(within, { headers, credentials, timeoutMs }, this.#semaphore, principal)
  }

  #failed(error: ConnectionError): void {
    const isAway = error.outcome === 'not begun' && !ANSWERED.some((kind) => error instanceof kind)
    if (isAway) this.#health.failed(error)
    else this.#health.erred(error)
  }

  #ownLink(linkFor: LinkFor, context: Context): Link {
    const { client } = context
    const { era = 'auto' } = this.#settings
    const { name = 'unknown', version = '0', capabilities } = client
    const mirrored = client.era === '2025-11-25' ? [...ANY_ERA].reverse() : ANY_ERA
    return this.#makeLink({
      linkFor,
      introduction: { info: { name, version }, capabilities },
      eras: era === 'auto' ? mirrored : [era],
      headers: this.#houses.headersFor(relayOf(context).caller),
      credentials: this.#houses.credentialsOf(relayOf(context).caller),
      onOpen: hearEverything,
    })
  }
}

function canBeAsked({ elicitation, sampling, roots }: ClientCapabilities): boolean {
  return elicitation !== undefined || sampling !== undefined || roots !== undefined
}
