import {
  KINDS,
  type ComponentKind,
  type DefinitionOf,
  type ParamsOf,
  type ResultOf,
} from '../protocol/kinds.js'
import type { MirroredHeader } from '../protocol/mirrored-headers.js'
import type { CompletionContext, Context } from './context.js'

/** What a completion may say: the values alone, or with how many there are in all. */
export type Completion =
  | readonly string[]
  | {
      readonly values: readonly string[]
      readonly total?: number | undefined
      readonly hasMore?: boolean | undefined
    }

/** Something a server offers: what clients see of it, and a closure that runs it. Immutable. */
export interface Component<K extends ComponentKind = ComponentKind> {
  readonly kind: K
  /** Exactly what a client sees in a list. */
  readonly definition: DefinitionOf<K>
  invoke(params: ParamsOf<K>, context: Context): Promise<ResultOf<K>>
  /** Suggests values for an argument; `undefined` for arguments it knows nothing of. */
  complete?(argument: string, value: string, context: CompletionContext): Promise<Completion | undefined>
  readonly tags?: ReadonlySet<string>
  /** Arguments that HTTP headers repeat, so that gateways can route without reading the body. */
  readonly mirroredHeaders?: readonly MirroredHeader[]
}

/** The name or URI that a component is asked for by. */
export function keyOf<K extends ComponentKind>(component: Component<K>): string {
  const definition = component.definition as unknown as Record<string, string>
  return definition[KINDS[component.kind].key] as string
}
