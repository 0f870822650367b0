import {
  BusyError,
  ConnectionError,
  HttpStatusError,
  methodNotFound,
  ProtocolError,
  UnauthorizedError,
} from '../errors.js'
import type { Agreement } from '../protocol/client-dialects.js'
import type { JsonObject } from '../protocol/types.js'
import type { Semaphore } from '../util/semaphore.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import { CallMemory } from './call-memory.js'
import { asNotSent } from './control-connection.js'
import { recallRound, runWithInputRequired, type RoundState } from './input-required-loop.js'
import { expectElicitations, passedOnError } from './passed-on-error.js'
import { ProxiedRequest } from './proxied-request.js'
import type { ScopedCall } from './scoped-call.js'
import type { UpstreamConnection } from './upstream-connection.js'
import type { UpstreamHealth } from './upstream-health.js'
import type { UpstreamConfig, UpstreamLimits } from './upstream-options.js'

/** Errors of a server that is available. */
const SERVER_RESPONDED = [BusyError, HttpStatusError, UnauthorizedError]

/** Sends calls over the connections that were selected for them: once, or until the server needs no more input. */
export class CallSender {
  /** Whether sessions use the shared connection: only 2026-07-28 is spoken with the server. */
  speaksOnly2026: boolean
  readonly #config: UpstreamConfig
  readonly #limits: UpstreamLimits
  readonly #health: UpstreamHealth
  readonly #semaphore: Semaphore

  constructor(config: UpstreamConfig, limits: UpstreamLimits, health: UpstreamHealth, semaphore: Semaphore) {
    this.speaksOnly2026 = config.era === '2026-07-28'
    this.#config = config
    this.#limits = limits
    this.#health = health
    this.#semaphore = semaphore
  }

  /** Runs a call over a connection, which is opened first if it is not open. */
  execute(connection: UpstreamConnection, scoped: ScopedCall): Promise<JsonObject> {
    const { agreement } = connection.connection
    if (agreement !== undefined) return this.#converse(agreement, connection, scoped)
    return connection.connection.open().then(
      (opened) => this.#converse(opened, connection, scoped),
      (error: unknown) => {
        throw this.#failed(asNotSent(error), connection, scoped)
      },
    )
  }

  /** Sends a call once, or until a server from 2026-07-28 on needs no more input. */
  #converse(agreement: Agreement, connection: UpstreamConnection, scoped: ScopedCall): Promise<JsonObject> {
    const { extension, method, params } = scoped.call
    if (extension !== undefined && !Object.hasOwn(agreement.capabilities.extensions ?? {}, extension))
      return Promise.reject(methodNotFound(method))
    if (agreement.dialect.hasServerRequests) return this.#send(connection, scoped, params)
    const { relay } = scoped
    if (relay.session !== undefined) this.speaksOnly2026 = true
    const state = recallRound(new CallMemory(relay, this.#config.name, scoped.call))
    if (state !== undefined) return this.#loop(connection, scoped, state)
    return this.#send(connection, scoped, params).then((result) =>
      result['resultType'] === 'input_required' ? this.#loop(connection, scoped, undefined, result) : result,
    )
  }

  #loop(
    connection: UpstreamConnection,
    scoped: ScopedCall,
    state: RoundState | undefined,
    first?: JsonObject,
  ): Promise<JsonObject> {
    const { relay, call } = scoped
    const loop = {
      relay,
      memory: new CallMemory(relay, this.#config.name, call),
      index: call.index,
      answerOwn: this.#config.ownHandlers?.answer,
      openId: this.#config.connector.kind === 'process' ? connection.connection.openId : undefined,
      send: (answered: JsonObject | undefined) =>
        this.#send(connection, scoped, { ...call.params, ...answered }),
    }
    return runWithInputRequired(loop, state, first)
  }

  async #send(connection: UpstreamConnection, scoped: ScopedCall, params: JsonObject): Promise<JsonObject> {
    const { relay, signal, call } = scoped
    const admitted = this.#admit(signal)
    if (admitted !== undefined) await this.#holding(connection, admitted)
    const request = new ProxiedRequest(scoped, this.#semaphore, scoped.peer)
    const began = performance.now()
    let isAnswered = false
    connection.track(request)
    if (admitted !== undefined) connection.letGo()
    try {
      const all = relay.meta === undefined ? params : { ...params, _meta: relay.meta }
      const result = await connection.connection.request(call.method, all, request)
      isAnswered = true
      if (!request.hasAsked) this.#health.recordLatency(performance.now() - began)
      return result
    } catch (error) {
      isAnswered = error instanceof ProtocolError || wasNotSent(error)
      throw this.#failed(error, connection, scoped)
    } finally {
      connection.untrack(request, isAnswered)
      request.end()
    }
  }

  /** Takes a slot. @throws BusyError where too many calls wait for one; the reason of `signal`. */
  #admit(signal: CancelSignal): Promise<void> | undefined {
    const { timeoutMs } = this.#limits
    const admitted = this.#semaphore.acquire(signal, () => new BusyError(this.#config.name), timeoutMs)
    if (admitted === undefined) this.#refuseAborted(signal)
    return admitted?.then(() => {
      this.#refuseAborted(signal)
    })
  }

  /** Waits for a slot; the connection stays open, also beyond that where the call got one. */
  async #holding(connection: UpstreamConnection, admitted: Promise<void>): Promise<void> {
    connection.hold()
    try {
      await admitted
    } catch (error) {
      connection.letGo()
      throw error
    }
  }

  /** A call that was cancelled before it was sent leaves nothing behind on the server. */
  #refuseAborted(signal: CancelSignal): void {
    if (!signal.aborted) return
    this.#semaphore.release()
    this.#semaphore.releaseSocket()
    throw signal.reason
  }

  #failed(error: unknown, connection: UpstreamConnection, { relay, signal }: ScopedCall): unknown {
    if (error instanceof ProtocolError) {
      expectElicitations(error, connection, relay)
      return passedOnError(error, connection.connection.agreement, this.#config.forwardsIdentity === true)
    }
    if (error instanceof ConnectionError && !signal.aborted) {
      const isAway = wasNotSent(error) && !SERVER_RESPONDED.some((kind) => error instanceof kind)
      if (isAway) this.#health.markUnavailable(error)
      else this.#health.recordError(error)
    }
    return error
  }
}

function wasNotSent(error: unknown): boolean {
  return error instanceof ConnectionError && error.outcome === 'not begun'
}
