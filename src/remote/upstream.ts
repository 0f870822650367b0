import { ANY_ERA, envelopeOf, type Introduction } from '../client/negotiation.js'
import type { Connector } from '../client/target.js'
import { relayOf, type Caller, type Context, type Progress, type Relay } from '../components/context.js'
import { ConnectionError, ProtocolError } from '../errors.js'
import type { EraName } from '../protocol/era.js'
import type { Question } from '../components/questions.js'
import type { ClientCapabilities, ContentBlock, Implementation, JsonObject, Meta } from '../protocol/types.js'
import type { Change } from '../providers/changes.js'
import type { UpstreamStatus } from '../providers/provider.js'
import { askedThrough } from './asked-through.js'
import { Gate } from './gate.js'
import { Health } from './health.js'
import { HeldCalls } from './held-calls.js'
import { House } from './house.js'
import { Link, type LinkFor, type Principal } from './link.js'
import { Links } from './links.js'
import { limitsOf, type AskedBy, type UpstreamOptions } from './options.js'
import type { Elsewhere } from './remote-components.js'

/** How many different headers are told apart, each with lists of its own. */
const MAX_HOUSES = 1000

/** What is to be run on a server. */
export interface RemoteCall {
  readonly method: string
  readonly params: JsonObject
  /** HTTP headers that repeat arguments (2026-07-28). */
  readonly mirrored?: Readonly<Record<string, string>> | undefined
}

export interface UpstreamSettings extends UpstreamOptions {
  readonly name: string
  readonly connector: Connector
  /** What the proxy says of itself where it asks on its own account. */
  readonly info: Implementation
  /** Whether it is to tell of changes. Default: true. */
  readonly listens?: boolean | undefined
  /** How its components are run. */
  readonly elsewhere: Omit<Elsewhere, 'watch'>
  /** Told of what makes no sense, and of a server that comes or goes. */
  readonly onProblem: (problem: string, error?: unknown) => void
  /** Told of lists and resources being others. */
  readonly onHeard: (change: Change) => void
}

/** Everything that a connection for all may be asked: whether it can is found out from the client that is meant. */
const ALL: ClientCapabilities = {
  roots: {},
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
}

/** A server behind a proxy: the connections to it, and what runs over which of them. */
export class Upstream {
  readonly name: string
  readonly #settings: UpstreamSettings
  readonly #limits: ReturnType<typeof limitsOf>
  readonly #health: Health
  readonly #gate: Gate
  readonly #links: Links
  readonly #held = new HeldCalls()
  readonly #houses = new Map<string, House>()
  readonly #isShared: boolean
  /** Whether it was seen to speak nothing but 2026-07-28. */
  #isNew = false

  constructor(settings: UpstreamSettings) {
    const { name, connector, onProblem } = settings
    this.name = name
    this.#settings = settings
    this.#limits = limitsOf(settings, connector.kind === 'process')
    this.#gate = new Gate(this.#limits.maxConcurrency, this.#limits.maxQueue)
    this.#links = new Links(
      (linkFor, context) => this.#ownLink(linkFor, context),
      this.#limits.maxConnections,
    )
    this.#isShared = settings.shared === true || connector.kind === 'given'
    this.#health = new Health((state, error) => {
      if (state === 'unavailable') onProblem(`Upstream '${name}' is unavailable`, error)
    })
  }

  get status(): UpstreamStatus {
    const { state, latencyMs, lastError } = this.#health
    return {
      name: this.name,
      target: this.#settings.connector.label,
      state,
      protocolVersion: this.#houses.get('')?.link.connection.agreement?.protocolVersion,
      latencyMs,
      lastError,
      connections: this.#links.size + this.#houses.size,
      pending: this.#gate.size,
    }
  }

  /** How many requests are under way or wait for their turn. */
  get pending(): number {
    return this.#gate.size
  }

  /** Whether everybody gets to see what a caller does. */
  isForAll(caller: Caller | undefined): boolean {
    return this.#headersFor(caller) === undefined
  }

  get isAvailable(): boolean {
    return this.#health.state !== 'unavailable'
  }

  /** Whether a session in front has a connection to it. */
  serves(context: Context): boolean {
    const { session } = relayOf(context)
    return session !== undefined && this.#links.has(session)
  }

  /** Connect, and stay connected. With headers made of who asks there is nobody yet to connect for. */
  keepOpen(): void {
    if (this.#settings.headers === undefined) this.houseFor(undefined).keepOpen()
  }

  /** Where lists come from for somebody. */
  houseFor(caller: Caller | undefined): House {
    const headers = this.#headersFor(caller)
    const key = headers === undefined ? '' : keyOfHeaders(headers)
    const known = this.#houses.get(key)
    if (known !== undefined) return known
    const house = this.#house(headers)
    this.#houses.set(key, house)
    if (this.#houses.size > MAX_HOUSES) this.#dropHouse(key)
    return house
  }

  /**
   * Run something on behalf of a client in front.
   * @throws ProtocolError for an error of the server; ConnectionError where there was no answer.
   */
  async run(call: RemoteCall, context: Context): Promise<JsonObject> {
    const relay = relayOf(context)
    const { caller, session } = relay
    const within = { context, relay, signal: context.signal }
    const house = this.houseFor(caller)
    if (!this.isAvailable) await house.open()
    if (this.#isShared) return this.#runOn(house.link, call, within)
    const isNew = this.#settings.era === '2026-07-28' || this.#isNew
    if (session !== undefined && caller.era === '2025-11-25' && !isNew)
      return this.#runOn(this.#links.ofSession(session, context), call, within)
    const agreement = house.link.connection.agreement ?? (await house.open())
    // A pipe does not say which of several calls a message of the log belongs to.
    const tellsWhose = this.#settings.connector.kind !== 'process' || relay.logLevel === undefined
    if (agreement.era === '2026-07-28' && tellsWhose) return this.#runOn(house.link, call, within)
    if (agreement.era === '2026-07-28' || caller.era === '2025-11-25' || !canBeAsked(caller.capabilities))
      return this.#runAlone(call, within)
    return this.#held.run(
      `${relay.turn()} ${this.name} ${call.method}`,
      relay,
      context.signal,
      (principal, signal) => this.#runAlone(call, { ...within, signal }, principal),
    )
  }

  async close(): Promise<void> {
    const houses = [...this.#houses.values()]
    this.#houses.clear()
    this.#held.close()
    await Promise.all([this.#links.close(), ...houses.map((house) => house.close())])
    this.#settings.connector.close()
    this.#health.closed()
  }

  /** Over a connection that others use at the same time, or a session's own. */
  async #runOn(link: Link, call: RemoteCall, within: Within): Promise<JsonObject> {
    const { relay } = within
    const agreement = link.connection.agreement ?? (await link.connection.open())
    if (agreement.era === '2025-11-25') return this.#send(link, call, within)
    if (relay.caller.era === '2025-11-25') this.#isNew = true
    return askedThrough(relay, relay.turn(), `${this.name} ${call.method}`, (answered) =>
      this.#send(link, { ...call, params: { ...call.params, ...answered } }, within),
    )
  }

  /** Over a connection of its own for as long as it lasts. */
  async #runAlone(call: RemoteCall, within: Within, principal?: Principal): Promise<JsonObject> {
    const { caller } = within.relay
    const key = JSON.stringify([this.#headersFor(caller), caller.info, caller.capabilities])
    const { link, release } = this.#links.forCall(key, within.context)
    let isClean = false
    try {
      const result = await (principal === undefined
        ? this.#runOn(link, call, within)
        : this.#send(link, call, within, principal))
      isClean = true
      return result
    } catch (error) {
      isClean = error instanceof ProtocolError
      throw error
    } finally {
      release(isClean)
    }
  }

  async #send(link: Link, call: RemoteCall, within: Within, principal?: Principal): Promise<JsonObject> {
    const { relay, signal } = within
    const entered = this.#gate.enter(signal, () => new BusyError(this.name))
    if (entered !== undefined) await entered
    const began = performance.now()
    // Who waits for a person is in nobody's way.
    const turn = new Turn(this.#gate)
    try {
      const behalf = new OnBehalf(principal ?? relay, turn)
      const result = await link.request(
        behalf,
        call.method,
        this.#paramsOf(call, relay),
        this.#optionsOf(link, call, within),
      )
      if (!turn.isOver) this.#health.answered(performance.now() - began)
      return result
    } catch (error) {
      if (error instanceof ConnectionError && !signal.aborted) this.#failed(error)
      throw error
    } finally {
      turn.end()
    }
  }

  #paramsOf({ params }: RemoteCall, { meta }: Relay): JsonObject {
    return meta === undefined ? params : { ...params, _meta: meta }
  }

  #optionsOf(link: Link, { mirrored }: RemoteCall, { context, relay, signal }: Within) {
    const { caller, wantsProgress } = relay
    const headers = this.#headersFor(caller)
    link.headers = headers ?? {}
    return {
      signal,
      timeoutMs: this.#limits.timeoutMs,
      headers: mirrored === undefined ? headers : { ...headers, ...mirrored },
      as: caller.era === '2026-07-28' || link.isForMany ? envelopeFor(relay) : undefined,
      onProgress: wantsProgress
        ? ({ progress, total, message }: JsonObject) => {
            context.reportProgress({ progress, total, message } as Progress).catch(() => undefined)
          }
        : undefined,
    }
  }

  #failed(error: ConnectionError): void {
    if (error.outcome === 'not begun' && !(error instanceof BusyError)) this.#health.failed(error)
    else this.#health.erred(error)
  }

  #headersFor(caller: Caller | undefined): Readonly<Record<string, string>> | undefined {
    const { headers } = this.#settings
    if (headers === undefined) return undefined
    const by: AskedBy = { headers: caller?.headers, client: caller }
    return headers(by)
  }

  #house(headers: Readonly<Record<string, string>> | undefined): House {
    const { onHeard, onProblem, elsewhere, info, listens = true, era = 'auto' } = this.#settings
    return new House({
      listens,
      elsewhere,
      health: this.#health,
      timeoutMs: this.#limits.timeoutMs,
      onHeard,
      onProblem,
      makeLink: (handlers) =>
        this.#link(
          'many',
          era === 'auto' ? ANY_ERA : [era],
          { info, capabilities: this.#isShared ? ALL : {} },
          headers,
          handlers,
        ),
    })
  }

  #ownLink(linkFor: LinkFor, { client }: Context): Link {
    const { era = 'auto' } = this.#settings
    const { name = 'unknown', version = '0', capabilities } = client
    const mirrored: readonly EraName[] = client.era === '2025-11-25' ? [...ANY_ERA].reverse() : ANY_ERA
    const introduction = { info: { name, version }, capabilities }
    return this.#link(linkFor, era === 'auto' ? mirrored : [era], introduction, undefined, {
      onOpen: async (connection) => {
        const { agreement } = connection
        // Everything is heard of: who is in front drops what is below the level that its client wants.
        if (agreement?.era === '2025-11-25' && agreement.capabilities.logging !== undefined)
          await connection.request('logging/setLevel', { level: 'debug' }).catch(() => undefined)
      },
    })
  }

  #link(
    linkFor: LinkFor,
    eras: readonly EraName[],
    introduction: Introduction,
    headers: Readonly<Record<string, string>> | undefined,
    handlers: Pick<ConstructorParameters<typeof Link>[1], 'onNotification' | 'onOpen' | 'onLost'>,
  ): Link {
    const { connector, onProblem } = this.#settings
    const link: Link = new Link(linkFor, {
      ...handlers,
      connector,
      eras,
      introduction,
      headers: () => link.headers,
      openTimeoutMs: this.#limits.connectTimeoutMs,
      onStray: (problem) => {
        onProblem(`Upstream '${this.name}': ${problem}`)
      },
    })
    link.headers = headers ?? {}
    return link
  }

  /** Drop the one that was made first, other than the one just made. */
  #dropHouse(newest: string): void {
    for (const [key, house] of this.#houses) {
      if (key === newest) continue
      this.#houses.delete(key)
      void house.close()
      return
    }
  }
}

/** What surrounds a call. */
interface Within {
  readonly context: Context
  readonly signal: AbortSignal
  readonly relay: Relay
}

/** Too much is under way already. */
export class BusyError extends ConnectionError {
  constructor(upstream: string) {
    super(`Upstream '${upstream}' is busy`, 'not begun')
  }
}

/** The place of one request among those that may be under way. */
class Turn {
  readonly #gate: Gate
  #isOver = false

  constructor(gate: Gate) {
    this.#gate = gate
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#gate.leave()
  }
}

/** The client that a request is made for. When it is asked, its turn is over. */
class OnBehalf implements Principal {
  readonly #principal: Principal
  readonly #turn: Turn

  constructor(principal: Principal, turn: Turn) {
    this.#principal = principal
    this.#turn = turn
  }

  ask(question: Question<JsonObject>): Promise<JsonObject> {
    this.#turn.end()
    return this.#principal.ask(question)
  }

  tell(message: JsonObject): void {
    this.#principal.tell(message)
  }

  stream(content: readonly ContentBlock[]): void | Promise<void> {
    return this.#principal.stream(content)
  }
}

function canBeAsked({ elicitation, sampling, roots }: ClientCapabilities): boolean {
  return elicitation !== undefined || sampling !== undefined || roots !== undefined
}

function envelopeFor({ caller: { info, capabilities }, logLevel }: Relay): Meta {
  return envelopeOf({ info, capabilities, logLevel: logLevel && 'debug' })
}

function keyOfHeaders(headers: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(headers).sort())
}
