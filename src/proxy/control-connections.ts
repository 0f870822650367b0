import { ANY_ERA } from '../client/negotiation.js'
import type { Caller, RelaySession } from '../components/context.js'
import { BusyError } from '../errors.js'
import { capabilitiesOf, capabilityFlags, MAX_CAPABILITY_FLAGS } from '../protocol/capability-flags.js'
import type { Agreement, Introduction } from '../protocol/client-dialects.js'
import type { ClientCapabilities } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'
import type { Change } from '../providers/changes.js'
import { ClosingSet } from '../util/closing-set.js'
import type { Ownership } from './attribution.js'
import { ControlConnection } from './control-connection.js'
import { forwardedCapabilities } from './forwarded-capabilities.js'
import { SessionLists } from './session-lists.js'
import { SharingKeys, type SharingKey } from './sharing-keys.js'
import { UpstreamConnection, type UpstreamConnectionOptions } from './upstream-connection.js'
import { UpstreamHealth } from './upstream-health.js'
import { isShared, type UpstreamConfig, type UpstreamLimits } from './upstream-options.js'

/** The capabilities of a connection for all callers: whether a client can be asked is checked for each request. */
const ALL_CAPABILITIES: ClientCapabilities = capabilitiesOf(MAX_CAPABILITY_FLAGS)

/** How many control connections serve callers that have too many keys. */
const MAX_UNCACHED = 16

/** How many keys the last known information of a server is kept for. */
const MAX_REMEMBERED = 64

type Headers = Readonly<Record<string, string>> | undefined

/** The parts of a connection that differ from use to use. */
export type ConnectOptions = Pick<
  UpstreamConnectionOptions,
  'ownership' | 'onNotification' | 'onOpen' | 'onLost' | 'onResumed'
> & {
  readonly introduction: Introduction
  readonly headers: Headers
  readonly credentials: Credentials | undefined
  /** Whether the era of a session in front is tried first. */
  readonly prefers2025: boolean
  readonly wantsLogs: boolean
}

/** The use that a control connection is made for. */
interface ControlUse {
  /** The key of the callers that may be told the server's information. */
  readonly key: string | undefined
  readonly isUncached: boolean
  readonly health: UpstreamHealth
  /** Default: all callers see a change. */
  readonly onChange?: (change: Change) => void
  readonly onListChanged?: () => void
}

/** The connection of a session to a server that is no process. */
interface SessionControl {
  readonly control: ControlConnection
  readonly lists: SessionLists
  /** The headers that it was opened with. */
  readonly headers: Headers
}

/** The control connections to one upstream server: one for all callers that it is sent the same headers, identity and capabilities for. */
export class ControlConnections {
  readonly #config: UpstreamConfig
  readonly #limits: UpstreamLimits
  readonly #health: UpstreamHealth
  readonly #controls = new Map<string, ControlConnection>()
  readonly #uncached = new Map<string, ControlConnection>()
  /** The connections of sessions to a server that is no process. */
  readonly #sessions = new Map<string, SessionControl>()
  readonly #keys = new SharingKeys()
  /** The last known information of the server, by the key of the callers that may get it. */
  readonly #remembered = new Map<string, Agreement>()
  readonly #closing = new ClosingSet()
  readonly #isShared: boolean

  constructor(config: UpstreamConfig, limits: UpstreamLimits, health: UpstreamHealth) {
    this.#config = config
    this.#limits = limits
    this.#health = health
    this.#isShared = isShared(config)
  }

  get size(): number {
    return this.#controls.size + this.#uncached.size
  }

  /** The revision that is spoken with the server; `undefined` while no connection is open. */
  get protocolVersion(): string | undefined {
    for (const { agreement } of this.#controls.values())
      if (agreement !== undefined) return agreement.protocolVersion
    return undefined
  }

  /**
   * Returns the control connection of a caller.
   * @throws BusyError where a session needs a process, and there are `maxConnections` already.
   */
  for(caller: Caller | undefined, headers = this.headersFor(caller)): ControlConnection {
    const session = this.exclusiveSession(caller)
    if (session !== undefined && caller !== undefined)
      return this.#controls.get(session.id) ?? this.#forProcess(session, caller, headers)
    const own = this.#sessions.get(caller?.conversation?.id ?? '')
    // Lists for the headers of one request are not for others.
    if (own?.lists.areOwn === true && areSame(headers, own.headers)) return own.control
    return this.#sharedFor(caller, headers)
  }

  #sharedFor(caller: Caller | undefined, headers: Headers): ControlConnection {
    const key = this.#keyFor(caller, headers)
    const known = this.#controls.get(key.id)
    if (known === undefined) return this.#forMany(key, headers, this.forwardedIdentity(caller))
    // Keys of callers are kept in the order of their last use.
    if (!key.isCommon) {
      this.#controls.delete(key.id)
      this.#controls.set(key.id, known)
    }
    return known
  }

  /** Returns the connection of a caller's session, if it has one. The session's lists are its own once they have changed there. */
  ownOf(caller: Caller | undefined): ControlConnection | undefined {
    const { conversation } = caller ?? {}
    return conversation && this.#sessions.get(conversation.id)?.control
  }

  /** Whether a caller's lists are those of all callers with the same capabilities. */
  sharesLists(caller: Caller | undefined): boolean {
    if (this.forwardedIdentity(caller) !== undefined || (caller?.conversation?.ownLists ?? 0) > 0)
      return false
    // A caller with too many variants of capabilities gets the lists for others.
    return this.#isShared || this.#keyFor(caller, undefined).flags === capabilityFlags(caller?.capabilities)
  }

  /** Returns the last known information of the server, as callers with the same key were given it. */
  remembered(caller: Caller | undefined): Agreement | undefined {
    return this.#remembered.get(this.#keyFor(caller, this.headersFor(caller)).id)
  }

  headersFor(caller: Caller | undefined): Headers {
    return this.#config.headers?.({ headers: caller?.headers, session: caller?.auth, client: caller })
  }

  /** Returns the identity that a server of this process is sent. */
  forwardedIdentity(caller: Caller | undefined): Credentials | undefined {
    const { auth, principal, scheme } = caller ?? {}
    return this.#config.forwardsIdentity === true && principal !== undefined
      ? { auth, principal, scheme: scheme as Credentials['scheme'] }
      : undefined
  }

  /** Returns the session that has a process to itself. */
  exclusiveSession(caller: Caller | undefined): RelaySession | undefined {
    return this.#config.connector.kind === 'process' && !this.#isShared ? caller?.conversation : undefined
  }

  /** Returns the capabilities that the control connection of a caller declares. */
  capabilitiesFor(caller: Caller | undefined): ClientCapabilities {
    if (this.#isShared) return ALL_CAPABILITIES
    return this.#withOwn(capabilitiesOf(this.#keyFor(caller, this.headersFor(caller)).flags))
  }

  /** Makes a connection to the server. It is opened by its first request. */
  connect({ headers, introduction, prefers2025, ...options }: ConnectOptions): UpstreamConnection {
    const { name, connector, viaId, onWarning, ownHandlers, era = 'auto' } = this.#config
    const eras = prefers2025 ? [...ANY_ERA].reverse() : ANY_ERA
    const { info, capabilities } = introduction
    return new UpstreamConnection({
      ...options,
      connector,
      ownHandlers,
      introduction: { info, capabilities: this.#withOwn(forwardedCapabilities(capabilities)) },
      eras: era === 'auto' ? eras : [era],
      headers: { ...(connector.kind === 'http' && { via: viaId }), ...headers },
      openTimeoutMs: this.#limits.connectTimeoutMs,
      onStray: (problem) => {
        onWarning(`Upstream '${name}': ${problem}`)
      },
    })
  }

  async close(): Promise<void> {
    const controls = [...this.#controls.values(), ...this.#uncached.values()]
    this.#controls.clear()
    this.#uncached.clear()
    this.#keys.clear()
    for (const control of controls) this.#closing.close(control)
    await this.#closing.settled()
  }

  #keyFor(caller: Caller | undefined, headers: Headers): SharingKey {
    const identity = this.forwardedIdentity(caller)?.principal
    const flags = this.#isShared ? MAX_CAPABILITY_FLAGS : capabilityFlags(caller?.capabilities)
    const principal = caller?.principal
    if (headers === undefined && identity === undefined) return this.#keys.common(principal, flags)
    return this.#keys.of({ principal, identity, headers, flags })
  }

  /** Handlers of the proxy's own answer what its capabilities say. */
  #withOwn(capabilities: ClientCapabilities): ClientCapabilities {
    const { ownHandlers } = this.#config
    return ownHandlers === undefined ? capabilities : { ...capabilities, ...ownHandlers.capabilities }
  }

  #forMany(key: SharingKey, headers: Headers, credentials: Credentials | undefined): ControlConnection {
    const { id, flags, isOverLimit } = key
    const known = isOverLimit ? this.#uncached.get(id) : undefined
    if (known !== undefined) return known
    const { info, connector } = this.#config
    const use = { key: id, isUncached: isOverLimit, health: this.#health }
    const control: ControlConnection = this.#create(use, {
      ownership: 'shared',
      introduction: { info, capabilities: capabilitiesOf(flags) },
      prefers2025: false,
      headers,
      credentials,
      // Elsewhere a connection that calls run over is of 2026-07-28, where they say themselves what they want.
      wantsLogs: this.#isShared || connector.kind === 'process',
      onOpen: ({ agreement }) => {
        // Anonymous callers use the process of the control connection, one call at a time, if the server is of before.
        if (connector.kind === 'process' && !this.#isShared)
          control.upstream.ownership = agreement.dialect.hasServerRequests ? 'exclusive' : 'shared'
        return Promise.resolve()
      },
    })
    const controls = isOverLimit ? this.#uncached : this.#controls
    controls.set(id, control)
    if (controls.size > (isOverLimit ? MAX_UNCACHED : this.#limits.maxControlConnections))
      this.#evictOldest(controls, id)
    return control
  }

  /** Makes the connection of a session. The pool ends it with the session. */
  forSession(
    session: RelaySession,
    caller: Caller,
    start: Pick<ConnectOptions, 'headers' | 'credentials'>,
  ): ControlConnection {
    const { info, capabilities } = caller
    const { headers } = start
    const lists = new SessionLists(session, this.#sharedFor(caller, headers))
    const use: ControlUse = {
      key: undefined,
      isUncached: false,
      health: new UpstreamHealth(() => undefined),
      onListChanged: () => {
        lists.notified()
      },
      onChange: (change) => {
        // A change for everybody is told by the shared connection.
        if (change.type === 'listChanged' && !lists.areOwn) return
        this.#config.onChange({ ...change, sessionId: session.id })
      },
    }
    const introduction = { info, capabilities }
    const control = this.#create(use, {
      ...start,
      ownership: { session },
      introduction,
      prefers2025: true,
      wantsLogs: false,
    })
    this.#sessions.set(session.id, { control, lists, headers })
    control.upstream.onClose = () => {
      control.ended()
      lists.end()
      if (this.#sessions.get(session.id)?.control === control) this.#sessions.delete(session.id)
    }
    return control
  }

  /** Makes the process of a session. It ends with the session. */
  #forProcess(session: RelaySession, caller: Caller, headers: Headers): ControlConnection {
    const processes = [...this.#controls.values()].filter(({ upstream }) => upstream.isSessions)
    if (processes.length >= this.#limits.maxConnections) throw new BusyError(this.#config.name)
    const { info, capabilities } = caller
    const ownership: Ownership = { session }
    const onChange = (change: Change): void => {
      this.#config.onChange({ ...change, sessionId: session.id })
    }
    const key = this.#keyFor(caller, headers).id
    const control = this.#create(
      { key, isUncached: false, health: this.#health, onChange },
      {
        ownership,
        introduction: { info, capabilities },
        prefers2025: true,
        headers: undefined,
        credentials: undefined,
        wantsLogs: false,
      },
    )
    this.#controls.set(session.id, control)
    control.upstream.followSession(session, () => {
      this.#controls.delete(session.id)
      this.#closing.close(control)
    })
    return control
  }

  #create(
    { key, isUncached, health, onListChanged, onChange = this.#config.onChange }: ControlUse,
    start: ConnectOptions,
  ): ControlConnection {
    const { onWarning, executor, subscribesToChanges = true } = this.#config
    return new ControlConnection({
      executor,
      subscribesToChanges,
      isUncached,
      onListChanged,
      health,
      timeoutMs: this.#limits.timeoutMs,
      onChange,
      onWarning,
      onAgreement: (agreement) => {
        if (key !== undefined) this.#remember(key, agreement)
      },
      connect: ({ onOpen, ...handlers }) =>
        this.connect({
          ...start,
          ...handlers,
          onOpen: async (connection) => {
            await start.onOpen?.(connection)
            await onOpen?.(connection)
          },
        }),
    })
  }

  #remember(key: string, agreement: Agreement): void {
    this.#remembered.delete(key)
    this.#remembered.set(key, agreement)
    if (this.#remembered.size > MAX_REMEMBERED)
      this.#remembered.delete(this.#remembered.keys().next().value as string)
  }

  /** A connection in use is closed when its last call has ended. */
  #evictOldest(controls: Map<string, ControlConnection>, newest: string): void {
    for (const [id, control] of controls) {
      if (id === newest || control.upstream.isSessions) continue
      controls.delete(id)
      control.retire()
      return
    }
  }
}

function areSame(one: Headers, other: Headers): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
