import { keyOf, seenAs, type Component } from '../../components/component.js'
import { RELAY, type Context, type Relay, type Scope } from '../../components/context.js'
import type { InputRequired } from '../../components/input-required.js'
import { toBlocks } from '../../components/result.js'
import { ScopedCompletion, ScopedContext } from '../../components/scope.js'
import { ResourceNotFoundError, withToolName } from '../../errors.js'
import { isObject } from '../../protocol/json-rpc.js'
import type { ComponentKind, ParamsOf, ResultOf, RunKind } from '../../protocol/kinds.js'
import type { Transform } from '../transformed.js'
import { namespaced, type Namespace } from './namespace.js'
import { blocksWithOuterUris, withOuterUris, type OuterUri } from './result-uris.js'

/** Runs the component of a kind that has a name or URI inside. */
type RunOtherwise = <K extends RunKind>(
  kind: K,
  key: string,
  params: ParamsOf<K>,
  context: Context,
) => Promise<ResultOf<K> | InputRequired>

/** Where one server ends, seen from another that took it in. */
export interface Border {
  /** What the names of the inner server are called on the outside; the same, if left out. */
  readonly space?: Namespace | undefined
  /** What runs inside sees of its own server. */
  readonly scope: Scope
  /** Runs a component in another way than by invoking it. */
  readonly run?: RunOtherwise | undefined
  /** Called before a run goes in, which waits for it where there is something to wait for. */
  readonly enter?: () => Promise<void> | undefined
  /** Called when the run is out again. */
  readonly leave?: () => void
  /** Told of names that cannot be shown outside. */
  readonly refuse: (problem: string) => void
}

/** See what a server offers from the outside: what runs there has its own names, what comes back has those out here. */
export function bordered(border: Border): Transform {
  const { space, refuse } = border
  if (space === undefined) return { component: (component) => crossing(component, border) }
  const names = namespaced(space, refuse)
  return { ...names, component: (component) => names.component?.(crossing(component, border)) }
}

/** The context of a run that streams content with URIs as they are called on the outside. */
class BorderContext extends ScopedContext {
  readonly #outer: OuterUri

  constructor(behind: Context, scope: Scope, outer: OuterUri) {
    super(behind, scope)
    this.#outer = outer
  }

  override [RELAY](): Relay {
    const relay = super[RELAY]()
    return {
      ...relay,
      stream: async (content) => relay.stream(await blocksWithOuterUris(content, this.#outer)),
    }
  }

  override get streamContent(): Context['streamContent'] {
    const send = super.streamContent
    return async (content) => {
      if (typeof content === 'string') return send(content)
      return send(await blocksWithOuterUris(toBlocks(content), this.#outer))
    }
  }
}

function crossing<K extends ComponentKind>(component: Component<K>, border: Border): Component<K> {
  const { space, scope } = border
  const outer = space && outerUris(space, scope)
  const within = (context: Context): Context =>
    outer === undefined ? new ScopedContext(context, scope) : new BorderContext(context, scope, outer)
  const complete = component.complete?.bind(component)
  const invoke = invoking(component, border.run)
  const leaving = (result: unknown): unknown => {
    border.leave?.()
    return outer === undefined ? result : withOuterUris(component.kind as RunKind, result as never, outer)
  }
  const failing = (error: unknown): never => {
    border.leave?.()
    throw space === undefined ? error : errorOutside(error, keyOf(component), space)
  }
  return seenAs(component, {
    // Of the many runs hardly one has to wait at the border, so nothing is awaited that need not be.
    invoke: (params, context) => {
      const run = (): Promise<unknown> => {
        try {
          return Promise.resolve(invoke(inside(component, params, space), within(context)))
        } catch (error) {
          return Promise.reject(error)
        }
      }
      const entered = border.enter?.()
      const running = entered === undefined ? run() : entered.then(run)
      return running.then(leaving, failing) as ReturnType<typeof invoke>
    },
    ...(complete && {
      complete: (argument, value, context) => complete(argument, value, new ScopedCompletion(context, scope)),
    }),
  })
}

function invoking<K extends ComponentKind>(
  component: Component<K>,
  run: RunOtherwise | undefined,
): Component<K>['invoke'] {
  const { kind } = component
  if (run === undefined || kind === 'resourceTemplate')
    return (params, context) => component.invoke(params, context)
  const key = keyOf(component)
  return (params, context) => run(kind, key, params as never, context)
}

/** What a run throws, with the names that things have outside. */
function errorOutside(error: unknown, key: string, space: Namespace): unknown {
  return error instanceof ResourceNotFoundError
    ? notFoundOutside(error, space)
    : withToolName(error, key, space.outerName(key))
}

function notFoundOutside(
  { uri, message, data }: ResourceNotFoundError,
  space: Namespace,
): ResourceNotFoundError {
  const outer = space.outerUri(uri)
  const isNamed = isObject(data) && data['uri'] === uri
  return new ResourceNotFoundError(outer, {
    message: uri === '' ? message : message.replaceAll(uri, outer),
    data: isNamed ? { ...data, uri: outer } : data,
  })
}

/** What a run is given, as it is called inside. */
function inside<K extends ComponentKind>(
  { kind }: Component<K>,
  params: ParamsOf<K>,
  space: Namespace | undefined,
): ParamsOf<K> {
  if (kind !== 'resourceTemplate' || space === undefined) return params
  const { uri } = params as ParamsOf<'resourceTemplate'>
  return { uri: space.innerUri(uri) ?? uri }
}

/** Pages of the web are linked to as they are, unless the server offers them as resources. */
function outerUris(space: Namespace, { provider }: Scope): OuterUri {
  return (uri) => {
    if (!/^https?:/i.test(uri)) return space.outerUri(uri)
    const named = (resource: Component | undefined): string =>
      resource === undefined || resource.isGuess === true ? uri : space.outerUri(uri)
    try {
      const found = provider.find('resource', uri, undefined)
      return found instanceof Promise ? found.then(named, () => uri) : named(found)
    } catch {
      return uri
    }
  }
}
