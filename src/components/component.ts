import {
  KINDS,
  type ComponentKind,
  type DefinitionOf,
  type ParamsOf,
  type ResultOf,
} from '../protocol/kinds.js'
import type { MirroredHeader } from '../protocol/mirrored-headers.js'
import type { CompletionContext, Context } from './context.js'
import type { Guard } from './guard.js'
import type { InputRequired } from './input-required.js'

/** What a completion may say: the values alone, or with how many there are in all. */
export type Completion =
  | readonly string[]
  | {
      readonly values: readonly string[]
      readonly total?: number | undefined
      readonly hasMore?: boolean | undefined
    }

/** Lets go of a source. */
export type Stop = () => void | Promise<void>

/** How to hear of what a resource holds becoming another. */
export interface Watch {
  /** The same for as long as it is the same source that is watched. */
  readonly source: object
  /** The session that alone is told, where the source is its own. */
  readonly sessionId?: string | undefined
  /** Calls `changed` from then on until what it gives is called. */
  start(changed: () => void): Stop | void | Promise<Stop | void>
}

/** Something a server offers: what clients see of it, and a closure that runs it. Immutable. */
export interface Component<K extends ComponentKind = ComponentKind> {
  readonly kind: K
  /** Exactly what a client sees in a list. */
  readonly definition: DefinitionOf<K>
  invoke(params: ParamsOf<K>, context: Context): Promise<ResultOf<K> | InputRequired>
  /** Suggests values for an argument; `undefined` for arguments it knows nothing of. */
  readonly complete?: (
    argument: string,
    value: string,
    context: CompletionContext,
  ) => Promise<Completion | undefined>
  /** Resources only: started while somebody is subscribed. */
  readonly watch?: Watch
  readonly tags?: ReadonlySet<string>
  /** Whether somebody may use it, given what `authenticate` gave. */
  readonly access?: Guard['access']
  /** OAuth scopes that are needed to run it. */
  readonly scopes?: Guard['scopes']
  /** Of a resource that is not listed: the `uriTemplate` that gives it. */
  readonly template?: string
  /** Of a resource that is not listed: whether nobody but its server knows if it is there. What is known comes first. */
  readonly isGuess?: boolean
  /** Of a template: the resource at a URI that it matches. */
  readonly at?: (uri: string) => Component<'resource'> | undefined
  /** Arguments that HTTP headers repeat, so that gateways can route without reading the body. */
  readonly mirroredHeaders?: readonly MirroredHeader[]
}

/** The name or URI that a component is asked for by. */
export function keyOf<K extends ComponentKind>(component: Component<K>): string {
  const definition = component.definition as unknown as Record<string, string>
  return definition[KINDS[component.kind].key] as string
}

/** The same component with some members in another way. What is not changed still runs as its own. */
export function seenAs<K extends ComponentKind>(
  component: Component<K>,
  changes: Partial<Component<K>>,
): Component<K> {
  const { kind, definition, complete, watch, tags, template, isGuess, at, mirroredHeaders } = component
  const { access, scopes } = component
  return {
    kind,
    definition,
    invoke: (params, context) => component.invoke(params, context),
    ...(complete && { complete: (...asked) => complete.apply(component, asked) }),
    ...(at && { at: (uri) => at.call(component, uri) }),
    ...(watch && { watch }),
    ...(tags && { tags }),
    ...(access && { access }),
    ...(scopes && { scopes }),
    ...(template !== undefined && { template }),
    ...(isGuess && { isGuess }),
    ...(mirroredHeaders && { mirroredHeaders }),
    ...changes,
  }
}
