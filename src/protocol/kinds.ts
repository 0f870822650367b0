import type {
  CallToolResult,
  GetPromptResult,
  JsonObject,
  PromptDefinition,
  ReadResourceResult,
  Resource,
  ResourceTemplateDefinition,
  ToolDefinition,
} from './types.js'

/** The four kinds of component, each with what a list shows, what a run takes and what it gives. */
interface ComponentKinds {
  tool: { definition: ToolDefinition; params: JsonObject; result: CallToolResult }
  resource: { definition: Resource; params: undefined; result: ReadResourceResult }
  resourceTemplate: {
    definition: ResourceTemplateDefinition
    params: { uri: string }
    result: ReadResourceResult
  }
  prompt: { definition: PromptDefinition; params: Record<string, string>; result: GetPromptResult }
}

export type ComponentKind = keyof ComponentKinds
export type DefinitionOf<K extends ComponentKind> = ComponentKinds[K]['definition']
export type ParamsOf<K extends ComponentKind> = ComponentKinds[K]['params']
export type ResultOf<K extends ComponentKind> = ComponentKinds[K]['result']

/** The kinds that a request runs: a template only ever gives resources. */
export type RunKind = Exclude<ComponentKind, 'resourceTemplate'>

interface KindFacts {
  /** How a person reads it in a message. */
  readonly label: string
  /** The method that lists it, and the member of the result that holds the list. */
  readonly list: string
  readonly items: string
  /** The member of a definition that a component is asked for by. */
  readonly key: 'name' | 'uri' | 'uriTemplate'
  /** What tells clients that the list is another one now. */
  readonly listChanged: string
  /** What a 2026-07-28 client asks for to be told so. */
  readonly listenFilter: 'toolsListChanged' | 'resourcesListChanged' | 'promptsListChanged'
}

/** All that differs between the kinds on the wire; nothing else enumerates them. */
export const KINDS: { readonly [K in ComponentKind]: KindFacts } = {
  tool: {
    label: 'tool',
    list: 'tools/list',
    items: 'tools',
    key: 'name',
    listChanged: 'notifications/tools/list_changed',
    listenFilter: 'toolsListChanged',
  },
  resource: {
    label: 'resource',
    list: 'resources/list',
    items: 'resources',
    key: 'uri',
    listChanged: 'notifications/resources/list_changed',
    listenFilter: 'resourcesListChanged',
  },
  resourceTemplate: {
    label: 'resource template',
    list: 'resources/templates/list',
    items: 'resourceTemplates',
    key: 'uriTemplate',
    listChanged: 'notifications/resources/list_changed',
    listenFilter: 'resourcesListChanged',
  },
  prompt: {
    label: 'prompt',
    list: 'prompts/list',
    items: 'prompts',
    key: 'name',
    listChanged: 'notifications/prompts/list_changed',
    listenFilter: 'promptsListChanged',
  },
}

export const COMPONENT_KINDS = Object.keys(KINDS) as readonly ComponentKind[]
