import type { Completion } from '../components/component.js'
import { ContextView, type Caller, type CompletionContext, type Context } from '../components/context.js'
import { invalidParams } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { CompleteResult, JsonObject } from '../protocol/types.js'
import type { Provider } from '../providers/provider.js'
import type { Access } from './access.js'

/** What a client may be sent at once (server/utilities/completion). */
const MAX_VALUES = 100

class CompletingContext extends ContextView implements CompletionContext {
  readonly arguments: Readonly<Record<string, string>>

  constructor(behind: Context, others: Readonly<Record<string, string>>) {
    super(behind)
    this.arguments = others
  }
}

/**
 * Answer `completion/complete`: ask the prompt or template that is referred to for values of an argument. `undefined` for
 * one that is unknown.
 */
export async function complete(
  access: Access,
  provider: Provider,
  params: JsonObject,
  context: Context,
  caller: Caller,
): Promise<CompleteResult | undefined> {
  const { ref, argument, context: given } = params
  if (!isObject(argument) || typeof argument['name'] !== 'string' || typeof argument['value'] !== 'string')
    throw invalidParams('"argument" must have a name and a value')
  const component = await referred(access, provider, ref, caller)
  if (component === undefined) return undefined
  access.admit(component, caller)
  const others = isObject(given) && isObject(given['arguments']) ? given['arguments'] : {}
  const texts = Object.entries(others).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  const within = new CompletingContext(context, Object.fromEntries(texts))
  const completion = await component.complete?.(argument['name'], argument['value'], within)
  return { completion: limited(completion ?? []) }
}

async function referred(access: Access, provider: Provider, ref: unknown, caller: Caller) {
  if (isObject(ref) && ref['type'] === 'ref/prompt' && typeof ref['name'] === 'string') {
    return access.find(provider, 'prompt', ref['name'], caller)
  }
  if (isObject(ref) && ref['type'] === 'ref/resource' && typeof ref['uri'] === 'string') {
    const { uri } = ref
    const template = await access.find(provider, 'resourceTemplate', uri, caller)
    if (template !== undefined) return template
    const resource = await access.find(provider, 'resource', uri, caller)
    // A guess stands for a resource that no list or template shows.
    return resource?.isGuess === true ? undefined : resource
  }
  throw invalidParams('"ref" must be a ref/prompt with a name or a ref/resource with a uri')
}

/** @throws ProtocolError -32602 that names the prompt or template. */
export function unknownRef({ ref }: JsonObject): never {
  const { name, uri } = isObject(ref) ? ref : {}
  if (typeof name === 'string') throw invalidParams(`Unknown prompt: ${name}`)
  throw invalidParams(`Unknown resource template: ${String(uri)}`, { uri })
}

function limited(completion: Completion): CompleteResult['completion'] {
  const given = Array.isArray(completion)
    ? { values: completion as readonly string[] }
    : (completion as Exclude<Completion, readonly string[]>)
  const values = given.values.slice(0, MAX_VALUES).map(String)
  const isCut = given.values.length > values.length
  const total = given.total ?? (isCut ? given.values.length : undefined)
  const hasMore = isCut ? true : given.hasMore
  return {
    values,
    ...(total === undefined ? {} : { total }),
    ...(hasMore === undefined ? {} : { hasMore }),
  }
}
