import { invalidParams } from '../errors.js'
import type { Icon, PromptArgumentDefinition, PromptDefinition } from '../protocol/types.js'
import { completerOf, type ArgumentConfig } from './arguments.js'
import type { Component } from './component.js'
import type { Context } from './context.js'
import { checkName, definitionOf, tagsOf } from './definition.js'
import { guardOf, type Guarded } from './guard.js'
import { InputRequired } from './input-required.js'
import { toPromptResult, type PromptReturn } from './result.js'

/** What a prompt's `load` is given: required arguments are there, others may be absent. */
export type PromptArguments<A extends readonly ArgumentConfig[]> = {
  [Arg in A[number] as Arg['required'] extends true ? Arg['name'] : never]: ValueOf<Arg>
} & { [Arg in A[number] as Arg['required'] extends true ? never : Arg['name']]?: ValueOf<Arg> }

type ValueOf<Arg extends ArgumentConfig> = Arg['enum'] extends readonly (infer Value extends string)[]
  ? Value
  : string

/** A prompt as a user writes it (server/prompts). */
export interface PromptConfig<
  Name extends string = string,
  A extends readonly ArgumentConfig[] = readonly ArgumentConfig[],
  Auth = unknown,
> extends Guarded<Auth> {
  readonly name: Name
  readonly title?: string
  readonly description?: string
  readonly arguments?: A
  readonly tags?: readonly string[]
  readonly icons?: readonly Icon[]
  /** Goes out as `_meta`. */
  readonly meta?: Record<string, unknown>
  load(
    args: PromptArguments<A>,
    context: Context<Auth>,
  ): PromptReturn | InputRequired | Promise<PromptReturn | InputRequired>
}

/**
 * Make a component of what a user wrote.
 * @throws TypeError for a name that MCP does not allow, or an argument named twice.
 */
export function definePrompt(config: PromptConfig): Component<'prompt'> {
  const { name, title, description, arguments: args = [], icons, meta } = config
  checkName('Prompt', name)
  const names = args.map((argument) => argument.name)
  if (new Set(names).size !== names.length) throw new TypeError(`Prompt '${name}' names an argument twice`)
  const complete = completerOf(args)
  const definition = definitionOf<PromptDefinition>({
    name,
    title,
    description,
    arguments: args.length > 0 ? args.map(shownArgument) : undefined,
    icons,
    _meta: meta,
  })
  return {
    kind: 'prompt',
    definition,
    async invoke(params, context) {
      refuseMissing(name, args, params)
      refuseOthers(name, args, params)
      const given = await config.load(params, context)
      return given instanceof InputRequired ? given : toPromptResult(given, description)
    },
    ...(complete === undefined ? {} : { complete }),
    ...tagsOf(config.tags),
    ...guardOf(`Prompt '${name}'`, config),
  }
}

function shownArgument({ name, title, description, required }: ArgumentConfig): PromptArgumentDefinition {
  return definitionOf<PromptArgumentDefinition>({ name, title, description, required })
}

function refuseMissing(name: string, args: readonly ArgumentConfig[], params: Record<string, string>): void {
  const missing = args.filter(
    (argument) => argument.required === true && !Object.hasOwn(params, argument.name),
  )
  if (missing.length === 0) return
  const names = missing.map((argument) => argument.name).join(', ')
  throw invalidParams(`Prompt '${name}' needs the argument${missing.length > 1 ? 's' : ''} ${names}`)
}

function refuseOthers(name: string, args: readonly ArgumentConfig[], params: Record<string, string>): void {
  for (const argument of args) {
    const value = params[argument.name]
    if (value === undefined || argument.enum === undefined || argument.enum.includes(value)) continue
    throw invalidParams(`Prompt '${name}': ${argument.name} must be one of ${argument.enum.join(', ')}`)
  }
}
