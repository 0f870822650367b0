import { keyOf, seenAs, type Component } from '../../components/component.js'
import type { Context } from '../../components/context.js'
import type { InputRequired } from '../../components/input-required.js'
import {
  KINDS,
  type ComponentKind,
  type DefinitionOf,
  type ParamsOf,
  type ResultOf,
  type RunKind,
} from '../../protocol/kinds.js'
import type { Change } from '../changes.js'
import type { Transform } from '../transformed.js'

/** One run of a component, as a middleware finds it. */
export interface Run<K extends RunKind = RunKind, Auth = unknown> {
  readonly kind: K
  /** The name of the tool or prompt, or the URI of the resource, as the server knows it that the middleware was added to. */
  readonly name: string
  /** The arguments of a tool or prompt, not yet checked; `undefined` for a resource. */
  readonly params: ParamsOf<K>
  readonly definition: DefinitionOf<K>
  readonly tags: ReadonlySet<string>
  readonly context: Context<Auth>
}

/** What a run gives: its result, or questions to the client that have to be answered first. */
export type RunResult<K extends RunKind = RunKind> = ResultOf<K> | InputRequired

/** Goes on with the run: to the next middleware, and at last to the component; with other `params`, if given. */
export type Next<K extends RunKind = RunKind> = (params?: ParamsOf<K>) => Promise<RunResult<K>>

/** A run of any kind: telling them apart by `kind` tells their types apart. */
export type AnyRun<Auth = unknown> = { [K in RunKind]: Run<K, Auth> }[RunKind]

/** Surrounds every run of a server's components. */
export interface Middleware<Auth = unknown> {
  (run: AnyRun<Auth>, next: Next): Promise<RunResult> | RunResult
  /** Told of every change to what the server offers. */
  readonly onChange?: (change: Change) => void
}

/** Surrounds every run of one kind of component. */
export type MiddlewareOf<K extends RunKind, Auth = unknown> = (
  run: Run<K, Auth>,
  next: Next<K>,
) => Promise<RunResult<K>> | RunResult<K>

/** A middleware, and the one kind that it is for, unless for all. */
export interface Layer {
  readonly kind: RunKind | undefined
  readonly run: Middleware
}

const NO_TAGS: ReadonlySet<string> = new Set()

/** See components with layers around what they run, the first outermost. */
export function surrounded(layers: readonly Layer[]): Transform {
  if (layers.length === 0) return {}
  return {
    component: (component) => {
      const around = layers.filter(({ kind }) => kind === undefined || kind === component.kind)
      return around.length === 0 || component.kind === 'resourceTemplate'
        ? // What it gives is surrounded one by one, so it must not stay the very same.
          seenAs(component, {})
        : seenAs(component, { invoke: chain(component, around) })
    },
  }
}

function chain<K extends ComponentKind>(
  component: Component<K>,
  layers: readonly Layer[],
): Component<K>['invoke'] {
  const { kind, definition, tags = NO_TAGS } = component
  const name = keyOf(component)
  return (params, context) => {
    const from = async (at: number, given: ParamsOf<K>): Promise<ResultOf<K> | InputRequired> => {
      const layer = layers[at]
      if (layer === undefined) return component.invoke(given, context)
      const run = { kind, name, params: given, definition, tags, context } as unknown as AnyRun
      const next = (other: unknown = given) => {
        const going = from(at + 1, other as ParamsOf<K>)
        // A middleware may not wait for it.
        going.catch(() => undefined)
        return going
      }
      const result = (await layer.run(run, next)) as ResultOf<K> | InputRequired | undefined
      if (result === undefined)
        throw new TypeError(`A middleware around ${KINDS[kind].label} '${name}' returned no result`)
      return result
    }
    return from(0, params)
  }
}
