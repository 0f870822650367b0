import type { Component, Completion } from '../components/component.js'
import { relayOf, type Caller, type CompletionContext, type Context } from '../components/context.js'
import { bare } from '../client/results.js'
import {
  BusyError,
  InsufficientScopeError,
  ConnectionError,
  MessageTooLongError,
  ProtocolError,
  RequestTimeoutError,
  ResourceNotFoundError,
  UnauthorizedError,
  UserError,
} from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { ComponentKind, ParamsOf, ResultOf, RunKind } from '../protocol/kinds.js'
import { mirror, type MirroredHeader } from '../protocol/mirrored-headers.js'
import type { JsonObject } from '../protocol/types.js'
import { newSignature, viaAfter } from '../protocol/via.js'
import { ChangeHub, type Change, type Unsubscribe } from '../providers/changes.js'
import { fleeting } from '../providers/fleeting.js'
import type { Eventually, Provider, UpstreamStatus } from '../providers/provider.js'
import type { UpstreamSettings } from './options.js'
import { Upstream, type RemoteCall } from './upstream.js'
import type { Elsewhere } from './remote-components.js'

/** How a run of each kind is asked for. */
const METHODS: { readonly [K in RunKind]: string } = {
  tool: 'tools/call',
  resource: 'resources/read',
  prompt: 'prompts/get',
}

/** Which of several replicas gets the next call. */
export type ReplicaPolicy = 'leastPending' | 'roundRobin'

type MakeSettings = (
  through: Pick<UpstreamSettings, 'elsewhere' | 'onHeard' | 'signature'>,
) => readonly [UpstreamSettings, ...UpstreamSettings[]]

/** What a server somewhere else offers, be it one or several that are alike. */
export class RemoteProvider implements Provider {
  readonly name: string
  readonly #upstreams: readonly [Upstream, ...Upstream[]]
  readonly #policy: ReplicaPolicy
  readonly #logFailure: (problem: string, error: unknown) => void
  readonly #signature = newSignature()
  readonly #changes = new ChangeHub()
  #isOpen = false
  #next = 0

  constructor(
    name: string,
    settings: MakeSettings,
    policy: ReplicaPolicy,
    logFailure: (problem: string, error: unknown) => void,
  ) {
    this.name = name
    this.#policy = policy
    this.#logFailure = logFailure
    const elsewhere: Omit<Elsewhere, 'watch'> = {
      run: (...asked) => this.run(...asked),
      complete: (...asked) => this.#complete(...asked),
    }
    const onHeard = (change: Change): void => {
      this.#changes.emit(change)
    }
    const [first, ...rest] = settings({ elsewhere, onHeard, signature: this.#signature })
    this.#upstreams = [new Upstream(first), ...rest.map((other) => new Upstream(other))]
  }

  get upstreams(): readonly UpstreamStatus[] {
    return this.#upstreams.map(({ status }) => status)
  }

  /** How the server says it is to be used. While it is not there, why not has been told already. */
  instructions(caller: Caller): Eventually<string | undefined> {
    if (!this.#isOpen || this.#hasSeen(caller)) return undefined
    try {
      const agreed = this.#inOrder((upstream) => upstream.houseFor(caller).open())
      if (!(agreed instanceof Promise)) return agreed.instructions
      return agreed.then(
        ({ instructions }) => instructions,
        () => undefined,
      )
    } catch {
      return undefined
    }
  }

  /** Connect, and stay connected until it is closed. */
  open(): void {
    this.#isOpen = true
    for (const upstream of this.#upstreams) upstream.keepOpen()
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await Promise.all(this.#upstreams.map((upstream) => upstream.close()))
  }

  list<K extends ComponentKind>(kind: K, caller: Caller | undefined): Eventually<readonly Component<K>[]> {
    // It is not connected to only because somebody wonders what might be there.
    if (!this.#isOpen || this.#hasSeen(caller)) return fleeting([])
    const via = caller?.via
    const list = this.#inOrder((upstream) => {
      const house = upstream.houseFor(caller)
      // Who came through other proxies may be led back to them, which shows on the way only.
      return via === undefined || !upstream.isHttp
        ? house.list(kind)
        : house.listFor(kind, viaAfter(via, this.#signature))
    })
    if (!(list instanceof Promise)) return this.#forAll(list, caller)
    return list.then((found) => this.#forAll(found, caller))
  }

  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    if (!this.#isOpen || this.#hasSeen(caller)) return undefined
    try {
      const found = this.#inOrder((upstream) => upstream.houseFor(caller).find(kind, key))
      if (!(found instanceof Promise)) return found
      return found.catch((error: unknown) => {
        throw this.#told(error)
      })
    } catch (error) {
      throw this.#told(error)
    }
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    return this.#changes.subscribe(listener)
  }

  /** Whether a request has come through here already: what leads back to itself offers nothing. */
  #hasSeen(caller: Caller | undefined): boolean {
    return caller?.via?.includes(this.#signature) ?? false
  }

  /** Lists that not everybody gets are not to be remembered for everybody. */
  #forAll<T>(list: readonly T[], caller: Caller | undefined): readonly T[] {
    return this.#upstreams[0].isForAll(caller) ? list : fleeting([...list])
  }

  /** Run a component there. @throws UserError saying what is wrong with the server, if something is. */
  run<K extends RunKind>(
    kind: K,
    key: string,
    params: ParamsOf<K>,
    context: Context,
    mirrored: readonly MirroredHeader[] = [],
  ): Promise<ResultOf<K>> {
    const call = {
      method: METHODS[kind],
      params: kind === 'resource' ? { uri: key } : { name: key, arguments: params },
      mirrored: mirrored.length > 0 ? mirror(mirrored, params as JsonObject) : undefined,
    }
    return this.#call(call, context, (result) => bare(result) as unknown as ResultOf<K>)
  }

  #complete(ref: JsonObject, argument: JsonObject, context: CompletionContext): Promise<Completion> {
    const params = { ref, argument, context: { arguments: context.arguments } }
    return this.#call({ method: 'completion/complete', params }, context, completionIn)
  }

  /** What was certainly not begun with one replica is moved to another. */
  async #call<T>(call: RemoteCall, context: Context, read: (result: JsonObject) => T): Promise<T> {
    let failure: unknown
    for (const upstream of this.#candidates(context)) {
      try {
        return read(await upstream.run(call, context))
      } catch (error) {
        failure = error
        const isBegun = !(error instanceof ConnectionError) || error.outcome !== 'not begun'
        if (isBegun || relayOf(context).signal.aborted) break
      }
    }
    throw this.#told(failure)
  }

  /** A session stays where it is; others go where the policy says, and to what is unavailable last. */
  #candidates(context: Context): readonly Upstream[] {
    if (this.#upstreams.length === 1) return this.#upstreams
    const serving = this.#upstreams.filter((upstream) => upstream.serves(context))
    const others = this.#upstreams.filter((upstream) => !serving.includes(upstream))
    const start = (this.#next += 1) % others.length
    const turned = [...others.slice(start), ...others.slice(0, start)]
    if (this.#policy === 'leastPending') turned.sort((a, b) => a.pending - b.pending)
    return [...serving, ...turned].sort((a, b) => Number(b.isAvailable) - Number(a.isAvailable))
  }

  /** The first that can say it. */
  #inOrder<T>(ask: (upstream: Upstream) => Eventually<T>): Eventually<T> {
    const [first, ...others] = this.#upstreams.length === 1 ? this.#upstreams : this.#availableFirst()
    if (others.length === 0) return ask(first as Upstream)
    const attempt = async (): Promise<T> => {
      let failure: unknown
      for (const upstream of [first as Upstream, ...others]) {
        try {
          return await ask(upstream)
        } catch (error) {
          failure = error
        }
      }
      throw failure
    }
    return attempt()
  }

  #availableFirst(): readonly Upstream[] {
    return [...this.#upstreams].sort((a, b) => Number(b.isAvailable) - Number(a.isAvailable))
  }

  /** What a client is told: what it can act on, and nothing of where the server is. */
  #told(error: unknown): unknown {
    if (error instanceof ProtocolError) return withOwnClass(error, this.#upstreams[0].tellsWho)
    if (!(error instanceof ConnectionError)) return error
    this.#logFailure(`Upstream '${this.name}'`, error)
    return new UserError(this.#messageFor(error))
  }

  #messageFor(error: ConnectionError): string {
    const { name } = this
    if (error instanceof BusyError) return `upstream '${name}' is busy: try again later`
    if (error instanceof UnauthorizedError) return `upstream '${name}' refused: it wants to know who asks`
    if (error.outcome === 'not begun') return `upstream '${name}' is unavailable`
    const unknown = 'it is not known whether this has run'
    if (error instanceof RequestTimeoutError) return `upstream '${name}' did not answer in time: ${unknown}`
    if (error instanceof MessageTooLongError) return `upstream '${name}' sent more than is taken`
    return `the connection to upstream '${name}' was lost: ${unknown}`
  }
}

function completionIn({ completion }: JsonObject): Completion {
  const { values, total, hasMore } = isObject(completion) ? completion : {}
  return {
    values: Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [],
    total: typeof total === 'number' ? total : undefined,
    hasMore: typeof hasMore === 'boolean' ? hasMore : undefined,
  }
}

/** Errors crossed as JSON: one that names a resource is renamed on its way out, as any other. */
function withOwnClass(error: ProtocolError, isOurs: boolean): ProtocolError {
  const scopes = isObject(error.data) ? error.data['requiredScopes'] : undefined
  // Of a server of this process it says what the client in front has to come back with.
  if (isOurs && Array.isArray(scopes)) return new InsufficientScopeError(error.message, scopes as string[])
  const uri = isObject(error.data) ? error.data['uri'] : undefined
  return typeof uri === 'string' && error.message.startsWith('Resource not found')
    ? new ResourceNotFoundError(uri)
    : error
}
