import { keyOf, seenAs, type Component } from '../../components/component.js'
import { checkToolName } from '../../components/tool.js'
import { checkName, definitionOf, describedError } from '../../components/definition.js'
import { withToolName } from '../../errors.js'
import type { ComponentKind, DefinitionOf } from '../../protocol/kinds.js'
import type { Annotations, Icon, Resource, ToolAnnotations } from '../../protocol/types.js'
import type { Transform } from '../transformed.js'
import { withArguments, type ArgumentChanges } from './tool-arguments.js'

/** What may be seen in another way of any component. What is left out stays. */
export interface SeenChanges {
  readonly title?: string
  readonly description?: string
  readonly icons?: readonly Icon[]
  /** Joins what is in `_meta`. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** Takes the place of the tags. */
  readonly tags?: readonly string[]
}

export interface ToolChanges extends SeenChanges {
  readonly name?: string
  readonly annotations?: ToolAnnotations
  readonly arguments?: Readonly<Record<string, ArgumentChanges>>
}

export interface PromptChanges extends SeenChanges {
  readonly name?: string
}

/** Of a resource or a template; the resources that a template gives are seen as it is. */
export interface ResourceChanges extends SeenChanges {
  /** For people to read: resources are asked for by URI, which stays. */
  readonly name?: string
  readonly mimeType?: string
  readonly annotations?: Annotations
}

/** How each component is to be seen, by its name, URI or `uriTemplate`; `false` hides it. */
export interface SeenTable {
  readonly tools?: Readonly<Record<string, ToolChanges | false>>
  readonly resources?: Readonly<Record<string, ResourceChanges | false>>
  readonly resourceTemplates?: Readonly<Record<string, ResourceChanges | false>>
  readonly prompts?: Readonly<Record<string, PromptChanges | false>>
}

/** A component about to be seen. */
export type Seeable = {
  [K in ComponentKind]: {
    readonly kind: K
    /** The name, the URI or the `uriTemplate`. */
    readonly key: string
    readonly definition: DefinitionOf<K>
    readonly tags: ReadonlySet<string>
  }
}[ComponentKind]

/** How a component is to be seen: with some changes; for `false` not at all; for nothing, as it is. */
export type See = (
  component: Seeable,
) => ToolChanges | PromptChanges | ResourceChanges | false | undefined | void

const NO_TAGS: ReadonlySet<string> = new Set()

/** See components as each of `sees` says, one after the other. `refuse` is told of those that cannot be seen so, and are hidden. */
export function reshaped(sees: readonly See[], refuse: (problem: string) => void): Transform {
  return {
    renames: true,
    component: (component) => {
      try {
        return reshape(component, sees)
      } catch (error) {
        refuse(
          `A transform hides '${keyOf(component)}': ${error instanceof Error ? error.message : String(error)}`,
        )
        return undefined
      }
    },
  }
}

/** @throws TypeError for changes that a component cannot have. */
export function reshape<K extends ComponentKind>(
  component: Component<K>,
  sees: readonly See[],
): Component<K> | undefined {
  return sees.reduce<Component<K> | undefined>((seen, see) => seen && reshapeOnce(seen, see), component)
}

function reshapeOnce<K extends ComponentKind>(component: Component<K>, see: See): Component<K> | undefined {
  const changes = see(seeable(component))
  if (changes === false) return undefined
  if (changes === undefined) return component
  const { tags, arguments: args, ...others } = changes as ToolChanges
  const withOthers =
    component.kind === 'tool' && args !== undefined
      ? (withArguments(component as Component<'tool'>, args) as Component as Component<K>)
      : component
  return seenAs(withOthers, {
    definition: redefined(withOthers, others),
    ...(others.name !== undefined && { invoke: invokedAs(withOthers, others.name) }),
    ...(tags !== undefined && { tags: new Set(tags) }),
  })
}

/** Errors about a component call it what the client does. */
function invokedAs<K extends ComponentKind>(component: Component<K>, name: string): Component<K>['invoke'] {
  return async (params, context) => {
    try {
      return await component.invoke(params, context)
    } catch (error) {
      throw withToolName(error, keyOf(component), name)
    }
  }
}

/** How a component is to be seen, as a function or as a table says. */
export function seeing(how: See | SeenTable): See {
  return typeof how === 'function' ? how : byTable(how)
}

function byTable({ tools, resources, resourceTemplates, prompts }: SeenTable): See {
  const tables = { tool: tools, resource: resources, resourceTemplate: resourceTemplates, prompt: prompts }
  const known = Object.entries(tables).map(
    ([kind, table = {}]) => [kind, new Map(Object.entries(table))] as const,
  )
  const byKind = new Map<string, ReadonlyMap<string, ReturnType<See>>>(known)
  return ({ kind, key }) => byKind.get(kind)?.get(key)
}

/** A resource that is not listed is seen as the template that gives it. */
function seeable(component: Component): Seeable {
  const { kind, definition, template, tags = NO_TAGS } = component
  if (template === undefined) return { kind, key: keyOf(component), definition, tags } as Seeable
  return {
    kind: 'resourceTemplate',
    key: template,
    definition: { ...(definition as Resource), uriTemplate: template },
    tags,
  }
}

function redefined<K extends ComponentKind>(component: Component<K>, changes: ToolChanges): DefinitionOf<K> {
  const { meta, ...seen } = changes
  if (seen.name !== undefined && component.kind === 'tool') checkToolName(seen.name)
  if (seen.name !== undefined) checkName(component.kind, seen.name)
  const { _meta } = component.definition
  const definition = definitionOf<DefinitionOf<K>>({
    ...component.definition,
    ...definitionOf(seen),
    _meta: meta === undefined ? _meta : { ..._meta, ...meta },
  } as never)
  describedError(`'${keyOf(component)}' would have a definition that is not JSON`, () =>
    JSON.stringify(definition),
  )
  return definition
}
