import { BusyError, invalidParams, ProtocolError, ErrorCode, ToolCallError } from '../errors.js'
import type { EraName } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import { KINDS, type ComponentKind, type DefinitionOf } from '../protocol/kinds.js'
import { mirror, mirroredHeadersOf, type MirroredHeader } from '../protocol/mirrored-headers.js'
import type {
  CompleteResult,
  GetPromptResult,
  Implementation,
  JsonObject,
  LogLevel,
  ReadResourceResult,
  ServerCapabilities,
  ToolDefinition,
} from '../protocol/types.js'
import type { Progress } from '../components/context.js'
import { Semaphore } from '../util/semaphore.js'
import { Answers } from './answers.js'
import type { ClientOptions, LogMessage, RequestOptions } from './client-options.js'
import { Connection, type Opened } from './connection.js'
import type { AuthorizationResponse } from './http/oauth.js'
import { ANY_ERA } from './negotiation.js'
import { readPages } from './read-pages.js'
import { bare, toolCallResult, type ToolCallResult } from './results.js'
import { Subscriptions } from './subscriptions.js'
import { connectorTo, type Connector, type ServerTarget } from './target.js'
import type { Given, PromptInput, PromptName, ToolInput, ToolName, ToolOutput } from './typed.js'

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_CONNECT_TIMEOUT_MS = 30_000

/** How many times a call may ask for input before it must answer. */
const MAX_ROUNDS = 32

/** How many requests may wait for a socket, where their number is limited. */
const MAX_QUEUE = 1024

/** Requests that may report progress, which extends their time-outs. */
const REPORTING_METHODS = new Set(['tools/call', 'resources/read', 'prompts/get'])

export interface CallOptions extends RequestOptions {
  /** Whether a result that is an error is thrown as `ToolError`. Default: true. */
  readonly throwOnError?: boolean | undefined
}

/** What is to be completed (server/utilities/completion). */
export interface CompletionRequest {
  readonly ref:
    | { readonly type: 'ref/prompt'; readonly name: string }
    | { readonly type: 'ref/resource'; readonly uri: string }
  readonly argument: { readonly name: string; readonly value: string }
  readonly context?: { readonly arguments?: Readonly<Record<string, string>> } | undefined
}

/** A client of one server. Names, arguments and results are checked by the compiler where `App` is the server's type. */
export class ServerClient<App = unknown> {
  readonly target: ServerTarget
  readonly options: ClientOptions
  readonly #connector: Connector
  readonly #connection: Connection
  readonly #answers: Answers
  readonly #subscriptions: Subscriptions
  readonly #semaphore: Semaphore
  readonly #listeners = new Map<string, Set<(uri: string) => void>>()
  readonly #mirrored = new Map<string, readonly MirroredHeader[]>()
  #logLevel: LogLevel | undefined

  /** @throws TypeError for what is no server. */
  constructor(target: ServerTarget, options: ClientOptions = {}) {
    this.target = target
    this.options = options
    this.#connector = connectorTo(target, options)
    this.#answers = new Answers(options)
    const { name = 'fastmesh', version = '0.0.0', era = 'auto', onLog } = options
    this.#semaphore = new Semaphore({
      limit: Infinity,
      socketLimit: this.#connector.maxSockets,
      queueLimit: MAX_QUEUE,
    })
    this.#connection = new Connection({
      connector: this.#connector,
      eras: era === 'auto' ? ANY_ERA : [era],
      introduction: {
        info: { name, version },
        capabilities: this.#answers.capabilities,
        logLevel: onLog && 'info',
      },
      openTimeoutMs:
        this.#connector.connectTimeoutMs ?? options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      handlers: {
        onRequest: (method, params, _about, signal) => this.#answers.answer(method, params, signal),
        onNotification: (method, params, about) => {
          this.#notified(method, params, about)
        },
        onStray: (problem) => options.onError?.(new Error(problem)),
      },
      onOpen: (connection) => this.#opened(connection),
    })
    this.#subscriptions = new Subscriptions(() => this.#connection, options.onListChanged !== undefined, {
      listChanged: (method) => {
        const what = method.split('/')[1] as 'tools' | 'resources' | 'prompts'
        this.#safely(() => options.onListChanged?.(what))
      },
      resourceUpdated: (uri) => {
        for (const listener of [...(this.#listeners.get(uri) ?? [])])
          this.#safely(() => {
            listener(uri)
          })
      },
    })
  }

  /** Connect, if it is not connected. @throws ConnectionError where the server cannot be reached or does not speak as we do. */
  async connect(): Promise<void> {
    await this.#connection.open()
  }

  /** Whether there is a connection now. One that was lost comes back with the next request. */
  get isConnected(): boolean {
    return this.#connection.agreement !== undefined
  }

  /** What the server says of itself, once connected. */
  get serverInfo(): Implementation | undefined {
    return this.#connection.agreement?.info
  }

  get serverCapabilities(): ServerCapabilities | undefined {
    return this.#connection.agreement?.capabilities
  }

  get instructions(): string | undefined {
    return this.#connection.agreement?.instructions
  }

  /** The revision that is spoken, once connected. */
  get protocolVersion(): string | undefined {
    return this.#connection.agreement?.protocolVersion
  }

  /** The span of revisions that speak like it. */
  get era(): EraName | undefined {
    return this.#connection.agreement?.era
  }

  /** All tools, of all pages. */
  async listTools(options?: RequestOptions): Promise<ToolDefinition[]> {
    const tools = await this.#list('tool', options)
    this.#mirrored.clear()
    return tools.filter((tool) => this.#learn(tool))
  }

  async listResources(options?: RequestOptions): Promise<DefinitionOf<'resource'>[]> {
    return this.#list('resource', options)
  }

  async listResourceTemplates(options?: RequestOptions): Promise<DefinitionOf<'resourceTemplate'>[]> {
    return this.#list('resourceTemplate', options)
  }

  async listPrompts(options?: RequestOptions): Promise<DefinitionOf<'prompt'>[]> {
    return this.#list('prompt', options)
  }

  /**
   * Call a tool (server/tools).
   * @throws ToolError where it failed, unless told otherwise; ProtocolError for an error of the protocol; ConnectionError
   * where there was no answer: its `outcome` says whether the tool may have run.
   */
  async callTool<const Name extends ToolName<App>>(
    name: Name,
    ...[args, options]: Given<ToolInput<App, Name>, CallOptions>
  ): Promise<ToolCallResult<ToolOutput<App, Name>>> {
    const params = { name, arguments: (args ?? {}) as JsonObject }
    const result = toolCallResult(await this.#callMirrored(params, options))
    if (result.isError === true && options?.throwOnError !== false) throw new ToolCallError(result)
    return result as ToolCallResult<ToolOutput<App, Name>>
  }

  /** Read a resource (server/resources). */
  async readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return bare(await this.#ask('resources/read', { uri }, options)) as unknown as ReadResourceResult
  }

  /** Get a prompt (server/prompts). */
  async getPrompt<const Name extends PromptName<App>>(
    name: Name,
    ...[args, options]: Given<PromptInput<App, Name>, RequestOptions>
  ): Promise<GetPromptResult> {
    const params = { name, arguments: (args ?? {}) as JsonObject }
    return bare(await this.#ask('prompts/get', params, options)) as unknown as GetPromptResult
  }

  /** Suggest values for an argument of a prompt or of a resource template (server/utilities/completion). */
  async complete(
    request: CompletionRequest,
    options?: RequestOptions,
  ): Promise<CompleteResult['completion']> {
    const { completion } = await this.#request('completion/complete', { ...request }, options)
    const { values = [], ...rest } = isObject(completion) ? completion : {}
    return { values: values as string[], ...rest }
  }

  /** Hear of a resource being another. Gives what ends that. */
  async subscribe(uri: string, listener: (uri: string) => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(uri) ?? new Set()
    const own = (updated: string): void => {
      listener(updated)
    }
    this.#listeners.set(uri, listeners.add(own))
    const forget = (): boolean => {
      const was = listeners.delete(own)
      if (listeners.size === 0) this.#listeners.delete(uri)
      return was
    }
    await this.#subscriptions.add(uri).catch((error: unknown) => {
      forget()
      throw error
    })
    return async () => {
      if (forget()) await this.#subscriptions.delete(uri)
    }
  }

  /** See whether the server is there. From 2026-07-28 on, where there is no ping, `server/discover` serves. */
  async ping(options?: RequestOptions): Promise<void> {
    const { dialect } = await this.#connection.open()
    await this.#request(dialect.ping, {}, options)
  }

  /** Hear of the log from a level on (server/utilities/logging). */
  async setLoggingLevel(level: LogLevel): Promise<void> {
    this.#logLevel = level
    const { dialect } = await this.#connection.open()
    const request = dialect.setLevel(level)
    if (request === undefined) this.#connection.introduce({ logLevel: level })
    else await this.#request(request.method, request.params)
  }

  /** Tell the server that the roots are others now. */
  rootsChanged(): void {
    this.#connection.rootsChanged()
  }

  /** Go on after the user has been sent to the authorization server and back; then connect again. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.#connector.finishAuth?.(response)
  }

  /** End the connection, and the server's process if there is one. */
  async close(): Promise<void> {
    this.#subscriptions.close()
    await this.#connection.close()
    this.#connector.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #opened(connection: Opened): Promise<void> {
    await this.#subscriptions.restore(connection)
    const request = this.#logLevel && connection.agreement.dialect.setLevel(this.#logLevel)
    if (request !== undefined)
      await connection.request(request.method, request.params, { timeoutMs: DEFAULT_CONNECT_TIMEOUT_MS })
  }

  async #list<K extends ComponentKind>(kind: K, options?: RequestOptions): Promise<DefinitionOf<K>[]> {
    const { list, items } = KINDS[kind]
    return (await readPages(items, (page) => this.#request(list, page, options))) as DefinitionOf<K>[]
  }

  /** Which arguments headers are to repeat. A tool that says so in a wrong way is left out (2026-07-28, server/tools). */
  #learn({ name, inputSchema }: ToolDefinition): boolean {
    if (this.era !== '2026-07-28' || this.#connector.kind !== 'http') return true
    try {
      const mirrored = mirroredHeadersOf(inputSchema)
      if (mirrored.length > 0) this.#mirrored.set(name, mirrored)
      return true
    } catch (error) {
      this.options.onError?.(new Error(`Tool '${name}' is left out`, { cause: error }))
      return false
    }
  }

  /** A tool that was never listed may want headers: then the list is looked at, and the call made again, as it was refused. */
  async #callMirrored(
    params: { name: string; arguments: JsonObject },
    options?: RequestOptions,
  ): Promise<JsonObject> {
    const call = (): Promise<JsonObject> => {
      const headers = mirror(this.#mirrored.get(params.name) ?? [], params.arguments)
      return this.#ask('tools/call', params, options, headers)
    }
    try {
      return await call()
    } catch (error) {
      const isMismatch = error instanceof ProtocolError && error.code === ErrorCode.HeaderMismatch
      if (!isMismatch || this.#mirrored.has(params.name)) throw error
      await this.listTools()
      if (!this.#mirrored.has(params.name)) throw error
      return call()
    }
  }

  /** Make a request that may have to be made again with what the server asks for first (2026-07-28, basic/patterns/mrtr). */
  async #ask(
    method: string,
    params: JsonObject,
    options?: RequestOptions,
    headers?: Readonly<Record<string, string>>,
  ): Promise<JsonObject> {
    let answered: JsonObject = {}
    for (let round = 0; round <= MAX_ROUNDS; round++) {
      const result = await this.#request(method, { ...params, ...answered }, options, headers)
      if (result['resultType'] !== 'input_required') return result
      const { inputRequests, requestState } = result
      if (inputRequests === undefined && requestState === undefined) break
      answered = {
        ...(inputRequests !== undefined && {
          inputResponses: await this.#answers.answerAll(inputRequests, options?.signal),
        }),
        ...(requestState !== undefined && { requestState }),
      }
    }
    throw invalidParams(`The server asked more than ${MAX_ROUNDS} times, and did not answer`)
  }

  async #request(
    method: string,
    params: JsonObject,
    {
      signal,
      timeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      onProgress,
      meta,
    }: RequestOptions = {},
    headers?: Readonly<Record<string, string>>,
  ): Promise<JsonObject> {
    const onOverflow = (): Error => new BusyError(this.#connector.label)
    const admitted = this.#semaphore.acquire(signal, onOverflow, timeoutMs)
    if (admitted !== undefined) await admitted
    try {
      return await this.#connection.request(
        method,
        meta === undefined ? params : { ...params, _meta: meta },
        {
          signal,
          headers,
          timeoutMs,
          asksForProgress: REPORTING_METHODS.has(method),
          onProgress:
            onProgress &&
            (({ progress, total, message }) => {
              this.#safely(() => {
                onProgress({ progress, total, message } as Progress)
              })
            }),
        },
      )
    } finally {
      this.#semaphore.release()
      this.#semaphore.releaseSocket()
    }
  }

  #notified(method: string, params: JsonObject, about: unknown): void {
    if (this.#subscriptions.notified(method, params, about)) return
    if (method === 'notifications/message')
      this.#safely(() => this.options.onLog?.(params as unknown as LogMessage))
  }

  /** What listeners throw harms nobody. */
  #safely(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.options.onError?.(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
