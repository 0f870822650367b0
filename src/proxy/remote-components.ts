import type { Component, Completion, Stop } from '../components/component.js'
import type { CompletionContext, Context } from '../components/context.js'
import { isObject } from '../protocol/json-rpc.js'
import {
  KINDS,
  type ComponentKind,
  type DefinitionOf,
  type ParamsOf,
  type ResultOf,
  type RunKind,
} from '../protocol/kinds.js'
import { mirroredHeadersOf, type MirroredHeader } from '../protocol/mirrored-headers.js'
import type { JsonObject, Resource, ServerCapabilities, ToolDefinition } from '../protocol/types.js'
import { TemplatePrefilter } from './template-prefilter.js'

/** Runs the components of an upstream server. */
export interface RemoteExecutor {
  run<K extends RunKind>(
    kind: K,
    key: string,
    params: ParamsOf<K>,
    context: Context,
    mirrored?: readonly MirroredHeader[],
  ): Promise<ResultOf<K>>
  complete(ref: JsonObject, argument: JsonObject, context: CompletionContext): Promise<Completion>
  /** Subscribes to a resource. */
  watch(uri: string, changed: () => void): Promise<Stop>
}

/** Makes components of what a server says it has. They validate nothing: who owns a schema holds things against it. */
export class RemoteComponents {
  readonly #executor: RemoteExecutor
  readonly #canWatch: boolean
  readonly #templates = new Map<string, TemplatePrefilter>()

  constructor(executor: RemoteExecutor, { resources }: ServerCapabilities) {
    this.#executor = executor
    this.#canWatch = resources?.subscribe === true
  }

  /** @throws TypeError for what is no definition, or asks for what may not be. */
  make<K extends ComponentKind>(kind: K, definition: unknown): Component<K> {
    const { key, label } = KINDS[kind]
    if (!isObject(definition) || typeof definition[key] !== 'string' || definition[key] === '')
      throw new TypeError(`A ${label} without a ${key}`)
    const make = this.#makers[kind] as (definition: DefinitionOf<K>) => Component<K>
    return make(definition as unknown as DefinitionOf<K>)
  }

  /** A resource that no list shows: a link may lead to it, or a template give it. */
  unlisted(uri: string, templates: readonly Component<'resourceTemplate'>[]): Component<'resource'> {
    const template = templates.find(({ definition }) => this.#template(definition.uriTemplate).matches(uri))
    return {
      ...this.#resource({ uri, name: template?.definition.name ?? uri }),
      template: template?.definition.uriTemplate ?? uri,
      ...(template === undefined && { isGuess: true }),
    }
  }

  readonly #makers: { readonly [K in ComponentKind]: (definition: DefinitionOf<K>) => Component<K> } = {
    tool: (definition) => this.#tool(definition),
    resource: (definition) => this.#resource(definition),
    resourceTemplate: (definition) => ({
      kind: 'resourceTemplate',
      definition,
      invoke: ({ uri }, context) => this.#executor.run('resource', uri, undefined, context),
      at: (uri) =>
        this.#template(definition.uriTemplate).matches(uri)
          ? { ...this.#resource({ uri, name: definition.name }), template: definition.uriTemplate }
          : undefined,
      ...this.#completing({ type: 'ref/resource', uri: definition.uriTemplate }),
    }),
    prompt: (definition) => ({
      kind: 'prompt',
      definition,
      invoke: (params, context) => this.#executor.run('prompt', definition.name, params, context),
      ...this.#completing({ type: 'ref/prompt', name: definition.name }),
    }),
  }

  #tool(definition: ToolDefinition): Component<'tool'> {
    const { name, inputSchema } = definition
    if (!isObject(inputSchema)) throw new TypeError(`Tool '${name}' has no inputSchema`)
    const mirroredHeaders = mirroredHeadersOf(inputSchema)
    return {
      kind: 'tool',
      definition,
      invoke: (params, context) => this.#executor.run('tool', name, params, context, mirroredHeaders),
      ...(mirroredHeaders.length > 0 && { mirroredHeaders }),
    }
  }

  #resource(definition: Resource): Component<'resource'> {
    const { uri } = definition
    return {
      kind: 'resource',
      definition,
      invoke: (_params, context) => this.#executor.run('resource', uri, undefined, context),
      ...(this.#canWatch && {
        watch: { source: this.#executor, start: (changed) => this.#executor.watch(uri, changed) },
      }),
    }
  }

  #completing(ref: JsonObject): Pick<Component, 'complete'> {
    return {
      complete: (name, value, context) => this.#executor.complete(ref, { name, value }, context),
    }
  }

  #template(uriTemplate: string): TemplatePrefilter {
    const known = this.#templates.get(uriTemplate)
    if (known !== undefined) return known
    const template = new TemplatePrefilter(uriTemplate)
    this.#templates.set(uriTemplate, template)
    return template
  }
}
