import type { Completion } from './component.js'
import type { CompletionContext } from './context.js'

/** Suggests values that begin with, or otherwise fit, what was typed so far. */
type Complete<Auth = unknown> = (
  value: string,
  context: CompletionContext<Auth>,
) => Completion | Promise<Completion>

/** An argument of a prompt or a resource template, as a user writes it. */
export interface ArgumentConfig<Auth = unknown> {
  readonly name: string
  readonly title?: string
  readonly description?: string
  /** Prompts only: whether the prompt cannot be made without it. Default: `false`. */
  readonly required?: boolean
  /** The values there are; they are suggested where there is no `complete`. */
  readonly enum?: readonly string[]
  complete?(value: string, context: CompletionContext<Auth>): Completion | Promise<Completion>
}

/** One function that completes every argument, or `undefined` if none can be completed. */
export function completerOf(
  args: readonly ArgumentConfig[],
):
  | ((argument: string, value: string, context: CompletionContext) => Promise<Completion | undefined>)
  | undefined {
  const completers = new Map<string, Complete>()
  for (const argument of args) {
    const { name, enum: values } = argument
    if (argument.complete !== undefined) completers.set(name, argument.complete.bind(argument))
    else if (values !== undefined) completers.set(name, (value) => startingWith(values, value))
  }
  if (completers.size === 0) return undefined
  return async (argument, value, context) => completers.get(argument)?.(value, context)
}

function startingWith(values: readonly string[], typed: string): string[] {
  const prefix = typed.toLowerCase()
  return values.filter((value) => value.toLowerCase().startsWith(prefix))
}
