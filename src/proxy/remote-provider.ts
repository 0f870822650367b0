import type { Component, Completion } from '../components/component.js'
import { relayOf, type Caller, type CompletionContext, type Context } from '../components/context.js'
import { bare } from '../client/results.js'
import {
  BusyError,
  ConnectionError,
  methodNotFound,
  MessageTooLongError,
  RequestTimeoutError,
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
import { andThen, type Eventually, type Provider, type UpstreamStatus } from '../providers/provider.js'
import type { ProxiedServer, ServerIntroduction } from '../providers/proxied-server.js'
import { earlierUpstream } from './call-memory.js'
import { asNotSent } from './control-connection.js'
import { extensionOf } from './forwarded-capabilities.js'
import type { RemoteExecutor } from './remote-components.js'
import { serverIntroduction } from './server-introduction.js'
import { RemoteCall } from './scoped-call.js'
import { Upstream } from './upstream.js'
import type { UpstreamConfig } from './upstream-options.js'

/** How a run of each kind is asked for. */
const METHODS: { readonly [K in RunKind]: string } = {
  tool: 'tools/call',
  resource: 'resources/read',
  prompt: 'prompts/get',
}

/** Which of several replicas gets the next call. */
export type ReplicaPolicy = 'leastPending' | 'roundRobin'

type CreateConfigs = (
  shared: Pick<UpstreamConfig, 'executor' | 'onChange' | 'viaId'>,
) => readonly [UpstreamConfig, ...UpstreamConfig[]]

/** The components of an upstream server, or of several that are alike. */
export class RemoteProvider implements Provider, ProxiedServer {
  readonly name: string
  readonly #upstreams: readonly [Upstream, ...Upstream[]]
  readonly #policy: ReplicaPolicy
  readonly #logFailure: (problem: string, error: unknown) => void
  readonly #viaId = newSignature()
  readonly #changes = new ChangeHub()
  #isOpen = false
  #next = 0

  constructor(
    name: string,
    createConfigs: CreateConfigs,
    policy: ReplicaPolicy,
    logFailure: (problem: string, error: unknown) => void,
  ) {
    this.name = name
    this.#policy = policy
    this.#logFailure = logFailure
    const executor: Omit<RemoteExecutor, 'watch'> = {
      run: (...asked) => this.run(...asked),
      complete: (...asked) => this.#complete(...asked),
    }
    const onChange = (change: Change): void => {
      this.#changes.emit(change)
    }
    const [first, ...rest] = createConfigs({ executor, onChange, viaId: this.#viaId })
    this.#upstreams = [new Upstream(first), ...rest.map((other) => new Upstream(other))]
  }

  get upstreams(): readonly UpstreamStatus[] {
    return this.#upstreams.map(({ status }) => status)
  }

  /** Returns the server's instructions. Errors are logged where they occur. */
  instructions(caller: Caller): Eventually<string | undefined> {
    return andThen(this.introduction(caller), (introduction) => introduction?.instructions)
  }

  /** Returns the server's information for a caller, once it is connected; the last one, where that takes long. */
  introduction(caller: Caller): Eventually<ServerIntroduction | undefined> {
    if (!this.#isOpen || this.#isLoop(caller)) return undefined
    let last: ServerIntroduction | undefined
    try {
      last = this.known(caller)
      const opened = this.#firstAvailable((upstream) => upstream.controlFor(caller).open(), caller)
      if (!(opened instanceof Promise)) return serverIntroduction(opened)
      const opening = opened.then(serverIntroduction, () => undefined)
      // A process of a session takes its time: what another one of the same kind said is told at once.
      return last ?? opening
    } catch {
      return last
    }
  }

  known(caller: Caller): ServerIntroduction | undefined {
    const agreement = this.#upstreams[0].remembered(caller)
    return agreement && serverIntroduction(agreement)
  }

  /** Passes on a request for a component that no list shows: the server answers as it does without a proxy. */
  passOn(method: string, params: JsonObject, context: Context): Promise<JsonObject> | undefined {
    if (this.#isLoop(relayOf(context).caller)) return undefined
    return this.#call(new RemoteCall(method, ownParams(params), indexIn(context)), context, bare)
  }

  /** Passes on a request whose method belongs to an extension that the client and the server have agreed on. */
  forward(method: string, params: JsonObject, context: Context): Promise<JsonObject> {
    const { caller } = relayOf(context)
    const extension = extensionOf(method, caller.capabilities.extensions)
    if (extension === undefined || this.#isLoop(caller)) return Promise.reject(methodNotFound(method))
    const call = new RemoteCall(method, ownParams(params), indexIn(context), undefined, extension)
    return this.#call(call, context, bare)
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
    // A list alone does not connect a proxy that is not open.
    if (!this.#isOpen || this.#isLoop(caller)) return fleeting([])
    const via = caller?.via
    const list = this.#firstAvailable((upstream) => {
      const control = upstream.controlFor(caller)
      // A request that came through other proxies may be led back to them, which shows only on the way.
      return control.list(
        kind,
        via === undefined || !upstream.isHttp ? undefined : viaAfter(via, this.#viaId),
      )
    }, caller)
    if (!(list instanceof Promise)) return this.#markUncacheable(list, caller)
    return list.then((found) => this.#markUncacheable(found, caller))
  }

  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    if (!this.#isOpen || this.#isLoop(caller)) return undefined
    try {
      const found = this.#firstAvailable((upstream) => upstream.find(kind, key, caller), caller)
      if (!(found instanceof Promise)) return found
      return found.catch((error: unknown) => {
        throw this.#toPublicError(asNotSent(error))
      })
    } catch (error) {
      throw this.#toPublicError(asNotSent(error))
    }
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    return this.#changes.subscribe(listener)
  }

  /** Whether a request has come through here already. A proxy that leads to itself offers nothing. */
  #isLoop(caller: Caller | undefined): boolean {
    return caller?.via?.includes(this.#viaId) ?? false
  }

  /** Lists that not everybody gets are not to be remembered for everybody. */
  #markUncacheable<T>(list: readonly T[], caller: Caller | undefined): readonly T[] {
    const isForAll = this.#upstreams.every((upstream) => upstream.isCallerIndependent(caller))
    return isForAll ? list : fleeting([...list])
  }

  /** Run a component there. @throws UserError saying what is wrong with the server, if something is. */
  run<K extends RunKind>(
    kind: K,
    key: string,
    params: ParamsOf<K>,
    context: Context,
    mirrored: readonly MirroredHeader[] = [],
  ): Promise<ResultOf<K>> {
    const call = new RemoteCall(
      METHODS[kind],
      kind === 'resource' ? { uri: key } : withArguments(key, params as JsonObject, context),
      indexIn(context),
      mirrored.length > 0 ? mirror(mirrored, params as JsonObject) : undefined,
    )
    return this.#call(call, context, (result) => bare(result) as unknown as ResultOf<K>)
  }

  #complete(ref: JsonObject, argument: JsonObject, context: CompletionContext): Promise<Completion> {
    const params = { ref, argument, context: { arguments: context.arguments } }
    return this.#call(new RemoteCall('completion/complete', params, indexIn(context)), context, completionIn)
  }

  /** A call that was certainly not sent to one replica is moved to another. */
  async #call<T>(call: RemoteCall, context: Context, read: (result: JsonObject) => T): Promise<T> {
    let failure: unknown
    for (const upstream of this.#replicaOrder(context, call.index)) {
      try {
        return read(await upstream.run(call, context))
      } catch (error) {
        failure = error
        const isBegun = !(error instanceof ConnectionError) || error.outcome !== 'not begun'
        if (isBegun || relayOf(context).signal.aborted) break
      }
    }
    throw this.#toPublicError(failure)
  }

  /**
   * Returns the replicas in the order in which they are tried: that of an earlier round of the call alone; else that of the
   * session, then the others by the policy, unavailable ones last.
   */
  #replicaOrder(context: Context, index: number): readonly Upstream[] {
    if (this.#upstreams.length === 1) return this.#upstreams
    const earlier = earlierUpstream(relayOf(context), index)
    if (earlier !== undefined) return this.#upstreams.filter(({ name }) => name === earlier)
    const { session } = relayOf(context)
    const serving = this.#upstreams.filter((upstream) => upstream.serves(session))
    const others = this.#upstreams.filter((upstream) => !serving.includes(upstream))
    const start = (this.#next += 1) % others.length
    const turned = [...others.slice(start), ...others.slice(0, start)]
    if (this.#policy === 'leastPending') turned.sort((a, b) => a.pending - b.pending)
    return [...serving, ...turned].sort((a, b) => Number(b.isAvailable) - Number(a.isAvailable))
  }

  /** Asks the replica of a caller's session, or the first one that is available, and others where that fails. */
  #firstAvailable<T>(ask: (upstream: Upstream) => Eventually<T>, caller: Caller | undefined): Eventually<T> {
    const [first, ...others] = this.#upstreams.length === 1 ? this.#upstreams : this.#inOrder(caller)
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

  #inOrder(caller: Caller | undefined): readonly Upstream[] {
    const rank = (upstream: Upstream): number =>
      (upstream.isAvailable ? 2 : 0) + (upstream.serves(caller?.conversation) ? 1 : 0)
    return [...this.#upstreams].sort((a, b) => rank(b) - rank(a))
  }

  /** Returns an error that a client can act on, without the address of the server. */
  #toPublicError(error: unknown): unknown {
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

function indexIn(context: Context): number {
  return relayOf(context).nextCallIndex()
}

/** Returns the parameters of a request without those that are about this request, or this round of it. */
function ownParams({
  _meta: _m,
  inputResponses: _i,
  requestState: _r,
  task: _t,
  ...params
}: JsonObject): JsonObject {
  return params
}

/** Some servers tell a request without `arguments` from one with none. */
function withArguments(name: string, args: JsonObject, context: Context): JsonObject {
  for (const _ in args) return { name, arguments: args }
  return relayOf(context).hasArguments ? { name, arguments: args } : { name }
}

function completionIn({ completion }: JsonObject): Completion {
  const { values, total, hasMore } = isObject(completion) ? completion : {}
  return {
    values: Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [],
    total: typeof total === 'number' ? total : undefined,
    hasMore: typeof hasMore === 'boolean' ? hasMore : undefined,
  }
}
