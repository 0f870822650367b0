import { seenAs, type Component } from '../../components/component.js'
import { definitionOf } from '../../components/definition.js'
import { isObject } from '../../protocol/json-rpc.js'
import { mirroredHeadersOf } from '../../protocol/mirrored-headers.js'
import type { JsonObject, JsonObjectSchema } from '../../protocol/types.js'

/** How one argument of a tool is seen. */
export interface ArgumentChanges {
  readonly name?: string
  readonly description?: string
  /** Taken where the client gives none; the argument is not required any more. */
  readonly default?: unknown
  /** Always taken: the argument is not shown, and what a client gives for it is dropped. */
  readonly value?: unknown
  /** Not shown, and never given. Only for arguments that are not required. */
  readonly hidden?: boolean
}

type ObjectSchema = JsonObjectSchema & { readonly properties?: unknown; readonly required?: unknown }

/** What becomes of one argument on its way to the tool. */
interface Passage {
  readonly inner: string
  /** `undefined`: clients cannot give it. */
  readonly outer: string | undefined
  readonly fallback: unknown
}

/**
 * The same tool with other arguments.
 * @throws TypeError for arguments it does not have, and for required ones that nobody could give.
 */
export function withArguments(
  tool: Component<'tool'>,
  changes: Readonly<Record<string, ArgumentChanges>>,
): Component<'tool'> {
  const { name, inputSchema } = tool.definition
  const { properties: given, required: needed } = inputSchema as ObjectSchema
  const required = new Set(Array.isArray(needed) ? needed : [])
  const properties = isObject(given) ? given : {}
  for (const argument of Object.keys(changes))
    if (!Object.hasOwn(properties, argument))
      throw new TypeError(`Tool '${name}' has no argument '${argument}'`)
  const shown: [string, unknown][] = []
  const passages: Passage[] = []
  for (const [argument, schema] of Object.entries(properties)) {
    const change = Object.hasOwn(changes, argument) ? changes[argument] : undefined
    const isKept = change === undefined || (change.value === undefined && change.hidden !== true)
    const outer = isKept ? (change?.name ?? argument) : undefined
    const fallback = change?.value === undefined ? change?.default : change.value
    if (outer === undefined && fallback === undefined && required.has(argument))
      throw new TypeError(`Tool '${name}' requires '${argument}', so it cannot be hidden without a value`)
    passages.push({ inner: argument, outer, fallback })
    if (outer !== undefined) shown.push([outer, schemaOf(schema, change)])
  }
  refuseSameNames(name, shown)
  const stillRequired = passages.filter((p) => required.has(p.inner) && p.fallback === undefined)
  const schema: JsonObjectSchema = definitionOf<JsonObjectSchema>({
    ...inputSchema,
    properties: Object.fromEntries(shown),
    required: stillRequired.length > 0 ? stillRequired.map(({ inner, outer = inner }) => outer) : undefined,
  })
  const mirroredHeaders = mirroredHeadersOf(schema)
  return seenAs(tool, {
    definition: { ...tool.definition, inputSchema: schema },
    invoke: (params, context) => tool.invoke(passedOn(passages, params), context),
    mirroredHeaders,
  })
}

function schemaOf(schema: unknown, change: ArgumentChanges | undefined): unknown {
  if (change === undefined) return schema
  return {
    ...(isObject(schema) ? schema : {}),
    ...(change.description !== undefined && { description: change.description }),
    ...(change.default !== undefined && { default: copyOf(change.default) }),
  }
}

function refuseSameNames(tool: string, shown: readonly [string, unknown][]): void {
  const names = shown.map(([name]) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new TypeError(`Tool '${tool}' would have two arguments '${twice}'`)
}

/** Handlers may change what they are given. */
function copyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value
}

/** What a client gave, as the tool knows it. What the tool has no name for is passed on as it is. */
function passedOn(passages: readonly Passage[], given: JsonObject): JsonObject {
  const known = new Set(passages.flatMap(({ inner, outer = inner }) => [inner, outer]))
  const others = Object.entries(given).filter(([name]) => !known.has(name))
  const passed = passages.flatMap(({ inner, outer, fallback }): [string, unknown][] => {
    const value = outer !== undefined && Object.hasOwn(given, outer) ? given[outer] : copyOf(fallback)
    return value === undefined ? [] : [[inner, value]]
  })
  return Object.fromEntries([...others, ...passed])
}
