import type { Component, Stop, Watch } from '../components/component.js'
import { relayOf, type Caller, type Context, type RelaySession } from '../components/context.js'
import { PutOffError } from '../errors.js'
import type { Agreement } from '../protocol/client-dialects.js'
import type { ClientCapabilities, JsonObject } from '../protocol/types.js'
import { viaAfter } from '../protocol/via.js'
import type { ComponentKind } from '../protocol/kinds.js'
import { andThen, type Eventually, type UpstreamStatus } from '../providers/provider.js'
import { Semaphore } from '../util/semaphore.js'
import { CallMemory } from './call-memory.js'
import { CallSender } from './call-sender.js'
import { ConnectionPool, type Lease, type LeaseRequest } from './connection-pool.js'
import type { ControlConnection } from './control-connection.js'
import { ControlConnections } from './control-connections.js'
import { recallRound } from './input-required-loop.js'
import { ScopedCall, type RemoteCall } from './scoped-call.js'
import { selectConnection, type ConnectionKind, type Selection } from './select-connection.js'
import { SuspendedCalls } from './suspended-calls.js'
import type { UpstreamConnection } from './upstream-connection.js'
import { UpstreamHealth } from './upstream-health.js'
import { isShared, limitsOf, type UpstreamConfig, type UpstreamLimits } from './upstream-options.js'

/** A server behind a proxy: the connections to it, and the calls that run over them. */
export class Upstream {
  readonly name: string
  readonly #config: UpstreamConfig
  readonly #limits: UpstreamLimits
  readonly #health: UpstreamHealth
  readonly #semaphore: Semaphore
  readonly #controls: ControlConnections
  readonly #pool: ConnectionPool
  readonly #sender: CallSender
  readonly #suspended = new SuspendedCalls()
  /** Tells the subscriptions of sessions apart, also from those at other replicas. */
  readonly #watchSources = new WeakMap<RelaySession, object>()
  readonly #isShared: boolean
  readonly #isProcess: boolean

  /** @throws TypeError for invalid limits. */
  constructor(config: UpstreamConfig) {
    const { name, connector, onWarning } = config
    this.name = name
    this.#config = config
    this.#limits = limitsOf(config, connector)
    this.#isShared = isShared(config)
    this.#isProcess = connector.kind === 'process'
    this.#semaphore = new Semaphore({
      limit: this.#limits.maxConcurrency,
      socketLimit: connector.maxSockets,
      queueLimit: this.#limits.maxQueue,
    })
    this.#health = new UpstreamHealth((state, error) => {
      if (state !== 'unavailable') return
      onWarning(`Upstream '${name}' is unavailable`, error)
      void this.#kept?.recover()
    })
    this.#controls = new ControlConnections(config, this.#limits, this.#health)
    this.#pool = new ConnectionPool(name, this.#limits)
    this.#sender = new CallSender(config, this.#limits, this.#health, this.#semaphore)
  }

  get status(): UpstreamStatus {
    const { state, latencyMs, lastError } = this.#health
    return {
      name: this.name,
      target: this.#config.connector.label,
      state,
      protocolVersion: this.#controls.protocolVersion,
      latencyMs,
      lastError,
      connections: this.#pool.size + this.#controls.size,
      pending: this.pending,
    }
  }

  /** How many requests are under way or wait for their turn. */
  get pending(): number {
    return this.#semaphore.size
  }

  get isHttp(): boolean {
    return this.#config.connector.kind === 'http'
  }

  get isAvailable(): boolean {
    return this.#health.state !== 'unavailable'
  }

  /** Whether all callers with the same capabilities get the same lists. */
  isCallerIndependent(caller: Caller | undefined): boolean {
    const hasOwnProcesses = this.#isProcess && !this.#isShared
    return this.#config.headers === undefined && !hasOwnProcesses && this.#controls.sharesLists(caller)
  }

  /** Whether a session has a connection to it. */
  serves(session: RelaySession | undefined): boolean {
    return session !== undefined && this.#pool.ofSession(session) !== undefined
  }

  /** Returns the connection that has a caller's lists. */
  controlFor(caller: Caller | undefined): ControlConnection {
    return this.#controls.for(caller)
  }

  /** Finds a component for a caller. Sessions subscribe to resources over connections of their own. */
  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    const found = this.#controls.for(caller).find(kind, key)
    const session = kind === 'resource' ? caller?.conversation : undefined
    if (session === undefined || caller === undefined || this.#isShared) return found
    if (!this.#isProcess && this.#sender.speaksOnly2026) return found
    return andThen(found, (component) => {
      if (component?.watch === undefined) return component
      const watch = this.#isProcess ? component.watch : this.#watchOf(session, caller, key)
      const start = (changed: () => void): ReturnType<Watch['start']> => watch.start(changed)
      return { ...component, watch: { source: watch.source, start, sessionId: session.id } }
    })
  }

  /** Returns the last known information of the server for a caller. */
  remembered(caller: Caller | undefined): Agreement | undefined {
    return this.#controls.remembered(caller)
  }

  /** Connects, and stays connected; unless headers depend on callers, or each session gets a process of its own. */
  keepOpen(): void {
    this.#kept?.keepOpen()
  }

  /**
   * Runs a call for a client.
   * @throws ProtocolError for an error of the server; ConnectionError where there is no response.
   */
  run(call: RemoteCall, context: Context): Promise<JsonObject> {
    const relay = relayOf(context)
    const { caller } = relay
    const headers = this.#controls.headersFor(caller)
    const control = this.#controls.for(caller, headers)
    const via = viaAfter(caller.via, this.#config.viaId)
    const isPlain = headers === undefined && call.mirrored === undefined
    const scoped = new ScopedCall(
      relay,
      call,
      isPlain ? { via } : { ...headers, ...call.mirrored, via },
      this.#controls.forwardedIdentity(caller),
      this.#limits.timeoutMs,
      this.#config.ownHandlers?.capabilities,
    )
    return this.isAvailable
      ? this.#runSelected(control, scoped)
      : this.#whenOpen(control, () => this.#runSelected(control, scoped))
  }

  async close(): Promise<void> {
    this.#suspended.close()
    await Promise.all([this.#pool.close(), this.#controls.close()])
    this.#config.connector.close()
    this.#health.markIdle()
  }

  /** The control connection that is open from the beginning; `undefined` where it is not known yet which it will be. */
  get #kept(): ControlConnection | undefined {
    const { headers } = this.#config
    return headers === undefined && (!this.#isProcess || this.#isShared)
      ? this.#controls.for(undefined)
      : undefined
  }

  #runSelected(control: ControlConnection, scoped: ScopedCall): Promise<JsonObject> {
    const { session } = scoped.relay
    // The connection of a session is opened in the era of its client.
    if (session !== undefined && !this.#sender.speaksOnly2026 && !this.#isShared && !this.#isProcess)
      return this.#runOver(this.#select(control, '2025-11-25', scoped), control, scoped)
    return this.#whenOpen(control, ({ era }) =>
      this.#runOver(this.#select(control, era, scoped), control, scoped),
    )
  }

  /** Goes on when the control connection is open, which is not closed before that. */
  #whenOpen(
    control: ControlConnection,
    next: (agreement: Agreement) => Promise<JsonObject>,
  ): Promise<JsonObject> {
    const opened = control.open()
    if (!(opened instanceof Promise)) return next(opened)
    control.upstream.hold()
    return opened.then(
      (agreement) => {
        try {
          return next(agreement)
        } finally {
          control.upstream.letGo()
        }
      },
      (error: unknown) => {
        control.upstream.letGo()
        throw error
      },
    )
  }

  #select(control: ControlConnection, era: Agreement['era'], { relay }: ScopedCall): Selection {
    const { caller, session, logLevel } = relay
    return selectConnection(
      {
        era: caller.era,
        hasSession: session !== undefined,
        isIdentified: this.#isIdentified(caller),
        acceptsInput: acceptsInput(caller.capabilities),
        wantsLogs: logLevel !== undefined,
      },
      {
        kind: this.#config.connector.kind,
        era,
        hasSessions: control.upstream.connection.hasSession,
        isShared: this.#isShared,
        sharesAnonymous: this.#config.anonymous === 'share',
      },
    )
  }

  /** All anonymous callers of a process are one. */
  #isIdentified({ principal, connectionId }: Caller): boolean {
    return principal !== undefined || (connectionId !== undefined && !this.#isProcess)
  }

  #runOver(
    { connection, suspendable }: Selection,
    control: ControlConnection,
    scoped: ScopedCall,
  ): Promise<JsonObject> {
    if (!suspendable) return this.#runOn(connection, control, scoped)
    const { relay, call } = scoped
    return this.#suspended.run(new CallMemory(relay, this.name, call), relay, (peer, signal) => {
      scoped.peer = peer
      scoped.signal = signal
      return this.#runOn(connection, control, scoped)
    })
  }

  #runOn(kind: ConnectionKind, control: ControlConnection, scoped: ScopedCall): Promise<JsonObject> {
    if (kind === 'session') return this.#sender.execute(this.#sessionConnection(scoped.relay.caller), scoped)
    const openId = this.#isProcess ? this.#resumedProcess(scoped) : undefined
    const isControls = openId !== undefined && openId === control.upstream.connection.openId
    if (kind === 'control' && (openId === undefined || isControls))
      return this.#sender.execute(control.upstream, scoped)
    if (kind === 'exclusive' && openId === undefined && this.#mayUseProcessOf(control, scoped))
      return this.#runOnControlProcess(control, scoped)
    return this.#runLeased(this.#lease(kind, control, openId, scoped), scoped)
  }

  /** The process that an earlier round of the call has to go on in: it knows the `requestState` that it issued. */
  #resumedProcess({ relay, call }: ScopedCall): string | undefined {
    if (this.#isShared) return undefined
    const memory = new CallMemory(relay, this.name, call)
    return recallRound(memory)?.openId
  }

  /** Anonymous callers use the process of the control connection, one call at a time. */
  #mayUseProcessOf({ upstream }: ControlConnection, { relay }: ScopedCall): boolean {
    const isAnonymous = this.#isProcess && relay.caller.principal === undefined
    return isAnonymous && upstream.ownership === 'exclusive' && upstream.isIdle
  }

  /** After a call without a response the process may still speak for that call, so that it is replaced. */
  async #runOnControlProcess(control: ControlConnection, scoped: ScopedCall): Promise<JsonObject> {
    const { upstream } = control
    const before = upstream.unansweredCalls
    upstream.reserve()
    try {
      return await this.#sender.execute(upstream, scoped)
    } finally {
      if (upstream.unansweredCalls !== before) control.replace()
      upstream.unreserve()
    }
  }

  async #runLeased(leasing: Promise<Lease>, scoped: ScopedCall): Promise<JsonObject> {
    const { connection, release } = await leasing
    const before = connection.unansweredCalls
    let isResumable = false
    try {
      return await this.#sender.execute(connection, scoped)
    } catch (error) {
      isResumable = this.#isProcess && error instanceof PutOffError
      throw error
    } finally {
      // The server may still speak for a call without a response: to nobody but the same caller.
      const isReusable = connection.unansweredCalls === before || this.#isIdentified(scoped.relay.caller)
      release({ isReusable, isResumable })
    }
  }

  #lease(
    kind: ConnectionKind,
    control: ControlConnection,
    openId: string | undefined,
    scoped: ScopedCall,
  ): Promise<Lease> {
    const { signal, relay } = scoped
    if (openId !== undefined) return this.#pool.leaseById(openId, signal)
    const { caller } = relay
    const headers = this.#controls.headersFor(caller)
    const isAnonymousProcess = this.#isProcess && caller.principal === undefined
    // Processes of anonymous callers are like that of the control connection, which these use as well.
    const { info, capabilities } = isAnonymousProcess
      ? { info: this.#config.info, capabilities: this.#controls.capabilitiesFor(caller) }
      : caller
    const owner = isAnonymousProcess ? undefined : [caller.principal, caller.connectionId]
    // A session for one call is told the log level only if the call asks for log messages.
    const wantsLogs = kind !== 'fresh' || relay.logLevel !== undefined
    const request: LeaseRequest = {
      key: JSON.stringify([headers, owner, info, capabilities, wantsLogs]),
      signal,
      create: () =>
        this.#controls.connect({
          ownership: 'exclusive',
          introduction: { info, capabilities },
          prefers2025: control.agreement?.dialect.hasServerRequests === true,
          headers,
          credentials: scoped.credentials,
          wantsLogs,
        }),
    }
    return kind === 'fresh' ? this.#pool.leaseFresh(request) : this.#pool.lease(request)
  }

  #sessionConnection(caller: Caller): UpstreamConnection {
    const { conversation } = caller
    if (conversation === undefined) throw new Error('A request without a session has no connection of one')
    const known = this.#pool.ofSession(conversation)
    if (known !== undefined) return known
    return this.#pool.forSession(conversation, () => {
      const headers = this.#controls.headersFor(caller)
      const credentials = this.#controls.forwardedIdentity(caller)
      return this.#controls.forSession(conversation, caller, { headers, credentials }).upstream
    })
  }

  /** The subscription of a session to a resource, over the session's own connection. */
  #watchOf(session: RelaySession, caller: Caller, uri: string): Watch {
    const source = this.#watchSources.get(session) ?? {}
    this.#watchSources.set(session, source)
    const start = async (changed: () => void): Promise<Stop> => {
      this.#sessionConnection(caller)
      const control = this.#controls.ownOf(caller)
      if (control === undefined) throw new Error(`The session '${session.id}' has ended`)
      return control.watch(uri, changed)
    }
    return { source, start }
  }
}

function acceptsInput({ elicitation, sampling, roots }: ClientCapabilities): boolean {
  return elicitation !== undefined || sampling !== undefined || roots !== undefined
}
