import type { Component } from '../components/component.js'
import type { Caller, Context } from '../components/context.js'
import { InputRequired } from '../components/input-required.js'
import { invalidParams, methodNotFound, PutOffError } from '../errors.js'
import type { Era } from '../protocol/era.js'
import { isObject, type EncodedResult } from '../protocol/json-rpc.js'
import { COMPONENT_KINDS, KINDS } from '../protocol/kinds.js'
import type { CallToolResult, GetPromptResult, JsonObject, ReadResourceResult } from '../protocol/types.js'
import type { Provider } from '../providers/provider.js'
import type { Access } from './access.js'
import { complete, unknownRef } from './completion.js'
import { componentFailure, toolFailure, type FailurePolicy } from './failures.js'
import { Lists } from './lists.js'
import { operationsOn, run, runAgain } from './operations.js'

/** One request on its way to a component: who asks, how to talk back, and in what era's words. */
export interface Call {
  readonly caller: Caller
  readonly context: Context
  readonly era: Era
  /** Who may use what. */
  readonly access: Access
  /** Has the client asked for what a component needs to run again. */
  readonly client: { require(required: InputRequired): Promise<void> }
}

type Route = (params: JsonObject, call: Call) => Promise<object | EncodedResult>

export interface RouterOptions extends FailurePolicy {
  /** How many components one page of a list shows; all of them if left out. */
  readonly listPageSize: number | undefined
  /** Passes on a request for a component that is unknown here; `undefined` where that is none of another server's. */
  readonly passOn?:
    ((method: string, params: JsonObject, context: Context) => Promise<JsonObject> | undefined) | undefined
  /** Passes on a request of a method that is not the protocol's. */
  readonly forward?:
    ((method: string, params: JsonObject, context: Context) => Promise<JsonObject>) | undefined
}

/** Takes each method of the protocol to the component that answers it, and turns what fails into what a client may know. */
export class Router {
  readonly #provider: Provider
  readonly #options: RouterOptions
  readonly #access: Access
  readonly #routes: ReadonlyMap<string, Route>

  constructor(provider: Provider, options: RouterOptions, access: Access) {
    this.#provider = provider
    this.#options = options
    this.#access = access
    const lists = new Lists(provider, options.listPageSize, options.logger, access)
    this.#routes = new Map<string, Route>([
      ...COMPONENT_KINDS.map((kind): [string, Route] => [
        KINDS[kind].list,
        (params, { caller, era }) => lists.page(kind, cursorOf(params), caller, era),
      ]),
      ['tools/call', (params, call) => this.#callTool(params, call)],
      ['resources/read', (params, call) => this.#readResource(params, call)],
      ['prompts/get', (params, call) => this.#getPrompt(params, call)],
      ['completion/complete', (params, call) => this.#complete(params, call)],
    ])
  }

  /**
   * Answer a request.
   * @throws ProtocolError for whatever is to be answered with an error.
   */
  route(method: string, params: JsonObject, call: Call): Promise<object | EncodedResult> {
    const route = this.#routes.get(method)
    if (route !== undefined) return route(params, call)
    const { forward } = this.#options
    if (forward === undefined) throw methodNotFound(method)
    return forward(method, params, call.context)
  }

  async #callTool(params: JsonObject, call: Call): Promise<CallToolResult> {
    const { caller, context, era } = call
    const name = textOf(params, 'name')
    const args = argumentsOf(params)
    let tool: Component<'tool'> | undefined
    try {
      tool = await this.#access.find(this.#provider, 'tool', name, caller)
      if (tool === undefined) return await this.#callUnknown(name, params, call)
      this.#access.admit(tool, caller)
      if (tool.mirroredHeaders !== undefined)
        era.checkMirroredHeaders(tool.mirroredHeaders, args, context.headers)
      // Hardly ever are there questions first, so what is there at once is not awaited twice.
      const given = await tool.invoke(args, context)
      const result = given instanceof InputRequired ? await runAgain(given, tool, args, call) : given
      return era.toolResult(result, tool.definition, caller.protocolVersion)
    } catch (error) {
      if (error instanceof PutOffError || context.signal.aborted) throw error
      const failed = toolFailure(error, name, this.#options)
      return tool === undefined ? failed : era.toolResult(failed, tool.definition, caller.protocolVersion)
    }
  }

  async #callUnknown(
    name: string,
    params: JsonObject,
    { caller, context, era }: Call,
  ): Promise<CallToolResult> {
    const result = (await this.#options.passOn?.('tools/call', params, context)) as CallToolResult | undefined
    if (result === undefined) throw invalidParams(`Unknown tool: ${name}`)
    const isReadable: boolean = Array.isArray(result.content)
    return isReadable
      ? era.toolResult(result, { name, inputSchema: { type: 'object' } }, caller.protocolVersion)
      : result
  }

  async #readResource(params: JsonObject, call: Call): Promise<ReadResourceResult> {
    const uri = textOf(params, 'uri')
    if (uri.length > MAX_URI_LENGTH)
      throw invalidParams(`"uri" must not be longer than ${MAX_URI_LENGTH} characters`)
    try {
      return await operationsOn(this.#provider, call).readResource(uri)
    } catch (error) {
      if (error instanceof PutOffError) throw error
      throw componentFailure(error, `reading resource '${uri}'`, this.#options)
    }
  }

  async #getPrompt(params: JsonObject, call: Call): Promise<GetPromptResult> {
    const name = textOf(params, 'name')
    const args = textsOf(argumentsOf(params))
    try {
      const { access, caller, context, era } = call
      const prompt = await access.find(this.#provider, 'prompt', name, caller)
      const result =
        prompt === undefined
          ? ((await this.#options.passOn?.('prompts/get', params, context)) as GetPromptResult | undefined)
          : await run(prompt, args, call)
      if (result === undefined) throw invalidParams(`Unknown prompt: ${name}`)
      const isReadable: boolean = Array.isArray(result.messages)
      return isReadable ? era.promptResult(result, caller.protocolVersion) : result
    } catch (error) {
      if (error instanceof PutOffError) throw error
      throw componentFailure(error, `getting prompt '${name}'`, this.#options)
    }
  }

  async #complete(params: JsonObject, { caller, context }: Call): Promise<object> {
    try {
      const found = await complete(this.#access, this.#provider, params, context, caller)
      return (
        found ?? (await this.#options.passOn?.('completion/complete', params, context)) ?? unknownRef(params)
      )
    } catch (error) {
      throw componentFailure(error, 'completing an argument', this.#options)
    }
  }
}

/** How long a URI may be that is read, in characters. */
const MAX_URI_LENGTH = 64 * 1024

/** Longer than any cursor for a name or URI that can be asked for. */
const MAX_CURSOR_LENGTH = 16 * 1024

function textOf(params: JsonObject, member: string): string {
  const value = params[member]
  if (typeof value !== 'string') throw invalidParams(`"${member}" must be a string`)
  return value
}

function cursorOf({ cursor }: JsonObject): string | undefined {
  if (cursor !== undefined && typeof cursor !== 'string') throw invalidParams('"cursor" must be a string')
  if (cursor !== undefined && cursor.length > MAX_CURSOR_LENGTH) throw invalidParams('Invalid cursor')
  return cursor
}

/** Some clients leave out `arguments` where there are none. */
function argumentsOf({ arguments: args = {} }: JsonObject): JsonObject {
  if (!isObject(args)) throw invalidParams('"arguments" must be an object')
  return args
}

function textsOf(args: JsonObject): Record<string, string> {
  for (const [name, value] of Object.entries(args))
    if (typeof value !== 'string') throw invalidParams(`Prompt argument "${name}" must be a string`)
  // Without a prototype: an argument that was not given must not be found there.
  return Object.assign(Object.create(null) as Record<string, string>, args)
}
