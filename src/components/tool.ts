import { InvalidArgumentsError } from '../errors.js'
import type {
  CallToolResult,
  Icon,
  JsonObject,
  JsonObjectSchema,
  ToolAnnotations,
  ToolDefinition,
} from '../protocol/types.js'
import type { Component } from './component.js'
import type { Context } from './context.js'
import { definitionOf, describedError, tagsOf } from './definition.js'
import { guardOf, type Guarded } from './guard.js'
import { InputRequired } from './input-required.js'
import { mirroredHeadersOf } from '../protocol/mirrored-headers.js'
import { isToolResult, settled, toToolResult, type ToolResult } from './result.js'
import { compileSchema, type CompiledSchema, type SchemaSide, type Validation } from './schema.js'
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.js'
import { finished, isLater, StreamingContext } from './streaming.js'
import { withTimeout } from './timeout.js'

/** What `execute` is given: the parsed parameters. */
export type ToolArguments<P> = [P] extends [Schema] ? SchemaOutput<P> : Record<string, unknown>

/** What `execute` may return, or resolve to; or an async generator that returns it. */
export type ToolReturn<O> = O extends Schema
  ? Streamable<SchemaInput<O, unknown> | ToolResult<SchemaInput<O, unknown>> | InputRequired>
  : unknown

type Streamable<T> = T | Promise<T> | AsyncGenerator<unknown, T, undefined>

/** A tool as a user writes it (server/tools). */
export interface ToolConfig<
  Name extends string = string,
  P extends Schema | undefined = Schema | undefined,
  O extends Schema | undefined = Schema | undefined,
  Auth = unknown,
> extends Guarded<Auth> {
  /** 1 to 128 characters of `A-Z a-z 0-9 _ - .` */
  readonly name: Name
  readonly title?: string
  /** What a model reads to know when to call it. */
  readonly description?: string
  /** A Standard Schema of an object (zod, valibot, arktype, …), or a JSON Schema; left out, anything goes. */
  readonly parameters?: P
  /** What the result holds as `structuredContent`; checked before it goes out. */
  readonly outputSchema?: O
  readonly annotations?: ToolAnnotations
  /** Milliseconds after which the run's `signal` fires and the client is told. Default: `toolTimeoutMs` of the server. */
  readonly timeoutMs?: number
  /** For `disable` and `enable`; not shown to clients. */
  readonly tags?: readonly string[]
  readonly icons?: readonly Icon[]
  /** Goes out as `_meta`. */
  readonly meta?: Record<string, unknown>
  /**
   * Runs the tool. May return text, a number or boolean, content, a whole result, any JSON
   * value, or nothing; an async generator streams what it yields.
   */
  execute(args: ToolArguments<P>, context: Context<Auth>): ToolReturn<O>
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/

/**
 * Make a component of what a user wrote.
 * @throws TypeError for a name or a schema that MCP does not allow, saying whose.
 */
export function defineTool(
  config: ToolConfig,
  defaults: { timeoutMs?: number | undefined } = {},
): Component<'tool'> {
  const { name, timeoutMs = defaults.timeoutMs } = config
  checkToolName(name)
  const label = `Tool '${name}'`
  if (timeoutMs !== undefined && !(timeoutMs > 0))
    throw new TypeError(`${label}: timeoutMs must be a number above 0, not ${timeoutMs}`)
  const input = compile(label, 'parameters', config.parameters, 'input')
  const output = compile(label, 'outputSchema', config.outputSchema, 'output')
  const definition = toDefinition(config, label, input, output)
  const mirroredHeaders = describedError(label, () => mirroredHeadersOf(definition.inputSchema))

  const execute = (args: unknown, context: Context): unknown => config.execute(args as JsonObject, context)

  // What is there at once is not awaited: most tools are quick, and every await is a turn of the queue.
  const invoke = async (params: JsonObject, context: Context): Promise<CallToolResult | InputRequired> => {
    const parsed = input === undefined ? params : parseArguments(name, input, params)
    const args = parsed instanceof Promise ? ((await parsed) as unknown) : parsed
    const streaming = new StreamingContext(context)
    const now =
      timeoutMs === undefined
        ? execute(args, streaming)
        : withTimeout(timeoutMs, name, streaming, async (timed) => finished(execute(args, timed), timed))
    const returned = isLater(now) ? await finished(now, streaming) : now
    const { streamed } = streaming
    const whole = returned === undefined && streamed !== undefined ? { content: streamed } : settled(returned)
    const given = whole instanceof Promise ? ((await whole) as unknown) : whole
    if (given instanceof InputRequired) return given
    return output === undefined ? toToolResult(given) : parseResult(name, output, given)
  }

  return {
    kind: 'tool',
    definition,
    invoke,
    ...(mirroredHeaders.length > 0 ? { mirroredHeaders } : {}),
    ...tagsOf(config.tags),
    ...guardOf(label, config),
  }
}

/** @throws TypeError unless `name` is one that a tool may have (server/tools, Tool Names). */
export function checkToolName(name: unknown): void {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new TypeError(`Tool name ${JSON.stringify(name)} must be 1 to 128 characters of A-Z a-z 0-9 _ - .`)
}

function toDefinition(
  config: ToolConfig,
  label: string,
  input: CompiledSchema | undefined,
  output: CompiledSchema | undefined,
): ToolDefinition {
  const { name, title, description, annotations, icons, meta } = config
  return definitionOf<ToolDefinition>({
    name,
    title,
    description,
    inputSchema: describedError(label, () => objectSchema(input)),
    outputSchema: output?.json,
    annotations,
    icons,
    _meta: meta,
  })
}

function compile(label: string, member: string, schema: Schema | undefined, side: SchemaSide) {
  return schema === undefined
    ? undefined
    : describedError(`${label}, ${member}`, () => compileSchema(schema, side))
}

function objectSchema(input: CompiledSchema | undefined): JsonObjectSchema {
  if (input === undefined) return { type: 'object', properties: {} }
  const { type } = input.json
  if (type === 'object') return input.json as JsonObjectSchema
  if (type === undefined) return { ...input.json, type: 'object' }
  throw new TypeError(`parameters must be an object, not ${JSON.stringify(type)}`)
}

/** Bad arguments are told to the model, which can mend them (server/tools, Error Handling). */
function parseArguments(name: string, input: CompiledSchema, params: JsonObject): unknown {
  const take = (validation: Validation): unknown => {
    if ('problem' in validation) throw new InvalidArgumentsError(name, validation.problem)
    return validation.value
  }
  const validation = input.validate(params)
  return validation instanceof Promise ? validation.then(take) : take(validation)
}

async function parseResult(name: string, output: CompiledSchema, returned: unknown): Promise<CallToolResult> {
  // Content alone is no whole result where data is owed: it may be the data itself.
  const isWhole =
    isToolResult(returned) && (returned.isError === true || returned.structuredContent !== undefined)
  const given = isWhole ? returned : { structuredContent: returned }
  if (given.isError === true) return toToolResult(given)
  const validation = await output.validate(given.structuredContent)
  if ('problem' in validation)
    throw new TypeError(`Tool '${name}' returned what its outputSchema does not allow: ${validation.problem}`)
  return toToolResult({ ...given, structuredContent: validation.value })
}
