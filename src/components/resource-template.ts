import type { Resource, ResourceTemplateDefinition } from '../protocol/types.js'
import { UriTemplate } from '../protocol/uri-template.js'
import { ResourceNotFoundError } from '../errors.js'
import { completerOf, type ArgumentConfig } from './arguments.js'
import type { Component, Stop } from './component.js'
import type { Context } from './context.js'
import { checkName, definitionOf, describedError, tagsOf } from './definition.js'
import { checkUri, type ResourceFacts } from './resource.js'
import { guardOf, type Guarded } from './guard.js'
import { InputRequired } from './input-required.js'
import { toReadResult } from './result.js'

/** The values in a URI, by the names of the template's variables; of several templates, those of one. */
export type TemplateArguments<T extends string | readonly string[]> = T extends string
  ? Variables<T>
  : T extends readonly string[]
    ? OneOf<T[number], AllNames<T[number]>>
    : never

type OneOf<T extends string, Names extends PropertyKey> = T extends T
  ? Variables<T> & { [Name in Exclude<Names, keyof Variables<T>>]?: undefined }
  : never

type AllNames<T extends string> = T extends T ? keyof Variables<T> : never

type Variables<T extends string> = string extends T
  ? Record<string, string | undefined>
  : { [Name in PathNames<T>]: string } & { [Name in QueryNames<T>]?: string }

type Expressions<T extends string> = T extends `${string}{${infer Body}}${infer Rest}`
  ? Body | Expressions<Rest>
  : never

type PathNames<T extends string> = Names<Exclude<Expressions<T>, `${'?' | '&'}${string}`>>
type QueryNames<T extends string> = Names<Extract<Expressions<T>, `${'?' | '&'}${string}`>>

type Names<Body extends string> = Body extends `${'+' | '#' | '.' | '/' | ';' | '?' | '&'}${infer Rest}`
  ? Split<Rest>
  : Split<Body>

type Split<List extends string> = List extends `${infer First},${infer Rest}`
  ? Bare<First> | Split<Rest>
  : Bare<List>

type Bare<Name extends string> = Name extends `${infer Plain}*`
  ? Plain
  : Name extends `${infer Plain}:${number}`
    ? Plain
    : Name

/** A resource template as a user writes it (server/resources, Resource Templates). */
export interface ResourceTemplateConfig<
  T extends string | readonly string[] = string | readonly string[],
  Auth = unknown,
>
  extends ResourceFacts, Guarded<Auth> {
  /** RFC 6570: one template, or several for the same resource. `{name*}` holds slashes too. */
  readonly uriTemplate: T
  readonly arguments?: readonly ArgumentConfig<Auth>[]
  /**
   * Take values that, used as a path, could lead out of a folder as well: `..`, absolute paths,
   * encoded slashes, backslashes and NUL. Default: `false`, there is no such resource. See also `safePath`.
   */
  readonly unsafeValues?: boolean
  /** As `load` of a resource; values of templates that did not match are `undefined`. */
  load(args: TemplateArguments<T>, context: Context<Auth>): unknown
  /** As `watch` of a resource, for each resource that somebody is subscribed to. */
  watch?(args: TemplateArguments<T>, changed: () => void): Stop | void | Promise<Stop | void>
}

/**
 * Make components of what a user wrote, one for each URI template.
 * @throws TypeError for a template that cannot be read, or arguments that no template has.
 */
export function defineResourceTemplates(config: ResourceTemplateConfig): Component<'resourceTemplate'>[] {
  const templates = typeof config.uriTemplate === 'string' ? [config.uriTemplate] : config.uriTemplate
  if (templates.length === 0) throw new TypeError(`Resource template '${config.name}' has no uriTemplate`)
  checkName('Resource template', config.name)
  const parsed = templates.map((template) =>
    describedError(
      `Resource template '${config.name}'`,
      () => new UriTemplate(template, config.unsafeValues),
    ),
  )
  const names = new Set(parsed.flatMap(({ variables }) => variables))
  for (const { name } of config.arguments ?? [])
    if (!names.has(name))
      throw new TypeError(
        `Resource template '${config.name}' has no variable {${name}} to go with its argument`,
      )
  return parsed.map((template) => defineOne(config, template))
}

function defineOne(config: ResourceTemplateConfig, uriTemplate: UriTemplate): Component<'resourceTemplate'> {
  const { name, title, description, mimeType, annotations, icons, meta } = config
  const facts = { name, title, description, mimeType, annotations, icons, _meta: meta }
  checkUri(uriTemplate.template)
  const complete = completerOf(
    (config.arguments ?? []).filter((argument) => uriTemplate.variables.includes(argument.name)),
  )
  const who = { ...tagsOf(config.tags), ...guardOf(`Resource template '${name}'`, config) }

  const at = (uri: string): Component<'resource'> | undefined => {
    const values = uriTemplate.match(uri)
    if (values === undefined) return undefined
    return {
      kind: 'resource',
      definition: definitionOf<Resource>({ uri, ...facts }),
      template: uriTemplate.template,
      async invoke(_params, context) {
        const given = await config.load(values, context)
        return given instanceof InputRequired ? given : toReadResult(given, uri, mimeType)
      },
      ...(config.watch === undefined
        ? {}
        : { watch: { source: config, start: (changed) => config.watch?.(values, changed) } }),
      ...who,
    }
  }

  return {
    kind: 'resourceTemplate',
    definition: definitionOf<ResourceTemplateDefinition>({ uriTemplate: uriTemplate.template, ...facts }),
    at,
    async invoke({ uri }, context) {
      const resource = at(uri)
      if (resource === undefined) throw new ResourceNotFoundError(uri)
      return resource.invoke(undefined, context)
    },
    ...(complete === undefined ? {} : { complete }),
    ...who,
  }
}
