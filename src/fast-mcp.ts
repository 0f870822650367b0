import { Hono } from 'hono'
import type { ArgumentConfig } from './components/arguments.js'
import type { Component } from './components/component.js'
import { definePrompt, type PromptArguments, type PromptConfig } from './components/prompt.js'
import { defineResource, type ResourceConfig } from './components/resource.js'
import { defineResourceTemplates, type ResourceTemplateConfig } from './components/resource-template.js'
import type { Schema, SchemaInput, SchemaOutput } from './components/standard-schema.js'
import { defineTool, type ToolConfig } from './components/tool.js'
import { Composition } from './composition.js'
import { assemble } from './engine.js'
import { Lifecycle } from './lifecycle.js'
import {
  withDefaults,
  type EmbeddedOptions,
  type FastMCPOptions,
  type HttpAppOptions,
  type HttpServing,
  type MountOptions,
  type Serving,
  type StartOptions,
} from './options.js'
import type { RunKind } from './protocol/kinds.js'
import {
  isolated,
  isServersConfig,
  nameOf,
  proxied,
  remoteTo,
  type ProxyOptions,
  type ProxyTarget,
  type ServersConfig,
} from './proxy.js'
import type { Provider } from './providers/provider.js'
import type { Middleware, MiddlewareOf } from './providers/transforms/middleware.js'
import type { See, SeenTable } from './providers/transforms/reshape.js'
import type { Selector } from './providers/visibility.js'
import { Servings } from './serving.js'
import type { ClientSession } from './sessions/client-session.js'
import { Connected, type ServerEvents } from './sessions/server-events.js'
import type { Proxied } from './sessions/server-introducer.js'
import type { Sessions } from './sessions/sessions.js'
import { fetchFrom } from './transports/http/fetch.js'
import type { HttpEndpoint } from './transports/http/endpoint.js'
import type { ServerStatus } from './transports/http/health.js'
import { honoApp } from './transports/http/hono.js'
import { nodeHandler, type NodeHandler } from './transports/http/node-handler.js'
import type { Transport } from './transports/transport.js'

/** What a tool takes and gives, as a typed client knows it. */
export interface ToolTypes<P, O> {
  input: P extends Schema ? SchemaInput<P> : Record<string, unknown>
  output: O extends Schema ? SchemaOutput<O, unknown> : unknown
}

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the neutral element of `&`
type Nothing = {}

/** Names as they are under a prefix. */
type Prefixed<Prefix extends string, Named> = {
  readonly [Name in keyof Named as Name extends string ? `${Prefix}_${Name}` : never]: Named[Name]
}

/**
 * A Model Context Protocol server: what it offers, and how clients reach it.
 *
 * `Auth` is what handlers find as `context.session`. The other parameters grow with every
 * `add…` in a chain, and tell typed clients what there is.
 */
export class FastMCP<Auth = unknown, Tools extends object = Nothing, Prompts extends object = Nothing> {
  /** Types only: what the server offers. */
  declare readonly '~offers': { readonly tools: Tools; readonly prompts: Prompts }

  readonly #settings: ReturnType<typeof withDefaults>
  readonly #composition: Composition
  readonly #sessions: Sessions
  readonly #servings: Servings
  readonly #lifecycle: Lifecycle
  readonly #connected: Connected
  /** There where this is a proxy of one server. */
  #proxied: Proxied | undefined
  #endpoint: HttpEndpoint | undefined
  #routes: Hono | undefined

  /** @throws TypeError for options that cannot be meant. */
  constructor(options: FastMCPOptions<Auth>) {
    this.#settings = withDefaults(options)
    this.#composition = new Composition(this.#settings, () => options.lifespan?.(this))
    this.#connected = new Connected(this.#settings.logger)
    const parts = { composition: this.#composition, connected: this.#connected, proxied: () => this.#proxied }
    this.#sessions = assemble(options, this.#settings, parts)
    this.#lifecycle = new Lifecycle(this.#composition.lifespan)
    this.#servings = new Servings(this.#sessions, this.#settings, this.#lifecycle, {
      routes: () => this.#routes,
      mounts: () => this.#composition.mountStatus,
      upstreams: () => this.#composition.upstreams,
    })
  }

  /**
   * A server that offers what another one has, wherever that is, and passes on everything in
   * both directions, between any two revisions. With `mcpServers` it offers what several have,
   * each under its key. It can be started, mounted, and have components of its own.
   * @throws TypeError for what is no server.
   */
  static asProxy(target: ProxyTarget, options: ProxyOptions = {}): FastMCP {
    const several =
      typeof target === 'object' && isServersConfig(target) ? Object.entries(target.mcpServers) : undefined
    const { name = several === undefined ? nameOf(target) : 'composite', version = '1.0.0' } = options
    // How to be let in there is not how to be let in here.
    const { auth: _, ...own } = options
    // The roots of a client are for the server behind, which asks for them itself.
    const proxy = new FastMCP({ roots: { enabled: false }, ...own, name, version })
    if (several === undefined) {
      const { logger } = proxy.#settings
      const remote = remoteTo(target as Exclude<ProxyTarget, ServersConfig>, options, {
        name,
        version,
        logger,
      })
      proxy.#proxied = proxied(remote, options, proxy.#composition, proxy.#settings)
      return proxy.addProvider(remote)
    }
    for (const [key, server] of several) {
      const { era = options.era, timeoutMs = options.timeoutMs } = server
      proxy.mount(key, FastMCP.asProxy(server, { ...options, name: key, era, timeoutMs }))
    }
    return proxy
  }

  /** Offer a tool (server/tools). */
  addTool<
    const Name extends string,
    P extends Schema | undefined = undefined,
    O extends Schema | undefined = undefined,
  >(
    tool: ToolConfig<Name, P, O, Auth>,
  ): FastMCP<Auth, Tools & { readonly [K in Name]: ToolTypes<P, O> }, Prompts> {
    this.#composition.add('tool', [this.#defineTool(tool)])
    return this as never
  }

  /** Offer several tools: all of them, or none if one is refused. */
  addTools(tools: readonly ToolConfig<string, Schema | undefined, Schema | undefined, Auth>[]): this {
    this.#composition.add(
      'tool',
      tools.map((tool) => this.#defineTool(tool)),
    )
    return this
  }

  /** Stop offering a tool. Gives whether there was one. */
  removeTool(name: string): boolean {
    return this.#composition.remove('tool', name)
  }

  /** Offer a resource (server/resources). */
  addResource(resource: ResourceConfig<Auth>): this {
    return this.addResources([resource])
  }

  /** Offer several resources: all of them, or none if one is refused. */
  addResources(resources: readonly ResourceConfig<Auth>[]): this {
    this.#composition.add(
      'resource',
      resources.map((resource) => defineResource(resource as ResourceConfig)),
    )
    return this
  }

  /** Stop offering a resource. Gives whether there was one. */
  removeResource(uri: string): boolean {
    return this.#composition.remove('resource', uri)
  }

  /** Offer whatever resources a URI template, or each of several, describes (server/resources, Resource Templates). */
  addResourceTemplate<const T extends string | readonly string[]>(
    template: ResourceTemplateConfig<T, Auth>,
  ): this {
    this.#composition.add(
      'resourceTemplate',
      defineResourceTemplates(template as unknown as ResourceTemplateConfig),
    )
    return this
  }

  /** Offer several resource templates: all of them, or none if one is refused. */
  addResourceTemplates(templates: readonly ResourceTemplateConfig<string | readonly string[], Auth>[]): this {
    const configs = templates as unknown as readonly ResourceTemplateConfig[]
    this.#composition.add('resourceTemplate', configs.flatMap(defineResourceTemplates))
    return this
  }

  /** Stop offering what a URI template describes. Gives whether there was one. */
  removeResourceTemplate(uriTemplate: string): boolean {
    return this.#composition.remove('resourceTemplate', uriTemplate)
  }

  /** Offer a prompt (server/prompts). */
  addPrompt<
    const Name extends string,
    const A extends readonly ArgumentConfig<Auth>[] = readonly ArgumentConfig<Auth>[],
  >(
    prompt: PromptConfig<Name, A, Auth>,
  ): FastMCP<Auth, Tools, Prompts & { readonly [K in Name]: PromptArguments<A> }> {
    this.#composition.add('prompt', [definePrompt(prompt as unknown as PromptConfig)])
    return this as never
  }

  /** Offer several prompts: all of them, or none if one is refused. */
  addPrompts(prompts: readonly PromptConfig<string, readonly ArgumentConfig<Auth>[], Auth>[]): this {
    const configs = prompts as unknown as readonly PromptConfig[]
    this.#composition.add('prompt', configs.map(definePrompt))
    return this
  }

  /** Stop offering a prompt. Gives whether there was one. */
  removePrompt(name: string): boolean {
    return this.#composition.remove('prompt', name)
  }

  /** Hide what bears one of the names, URIs or tags, also what comes later; without a selector, everything. */
  disable(selector: Selector = {}): this {
    this.#composition.show(selector, false)
    return this
  }

  /** Show again what `disable` hid. Of several words on a component, the last counts. */
  enable(selector: Selector = {}): this {
    this.#composition.show(selector, true)
    return this
  }

  /**
   * Offer what another server offers, live: under a prefix as `prefix_tool` and
   * `data://prefix/path`, or as it is. With `asProxy` what runs there runs in sessions of that
   * server's own, one for each session of this one.
   * @throws TypeError for a prefix that cannot be one, a cycle, and names that clash or grow too long.
   */
  mount<T extends object, P extends object>(
    server: FastMCP<unknown, T, P>,
    options?: MountOptions,
  ): FastMCP<Auth, Tools & T, Prompts & P>
  mount<const Prefix extends string, T extends object, P extends object>(
    prefix: Prefix,
    server: FastMCP<unknown, T, P>,
    options?: MountOptions,
  ): FastMCP<Auth, Tools & Prefixed<Prefix, T>, Prompts & Prefixed<Prefix, P>>
  mount(...given: readonly unknown[]): never {
    const { prefix, server, options } = mounting(given)
    const isolation = options.asProxy === true ? isolated(server.#sessions, this.#settings) : undefined
    this.#composition.mount(server.#composition, prefix, isolation)
    return this as never
  }

  /** Offer no more what was mounted under a prefix, or of a server. Gives whether there was any. */
  unmount(which: string | FastMCP): boolean {
    return this.#composition.unmount(typeof which === 'string' ? which : which.#composition)
  }

  /**
   * Offer a copy of what another server offers now, under a prefix or as it is. The copies are
   * this server's own: they can be removed, and follow `onDuplicate`.
   * @throws TypeError as `mount` does.
   */
  importServer<T extends object, P extends object>(
    server: FastMCP<unknown, T, P>,
  ): Promise<FastMCP<Auth, Tools & T, Prompts & P>>
  importServer<const Prefix extends string, T extends object, P extends object>(
    prefix: Prefix,
    server: FastMCP<unknown, T, P>,
  ): Promise<FastMCP<Auth, Tools & Prefixed<Prefix, T>, Prompts & Prefixed<Prefix, P>>>
  async importServer(...given: readonly unknown[]): Promise<never> {
    const { prefix, server } = mounting(given)
    await this.#composition.import(server.#composition, prefix)
    return this as never
  }

  /** Offer, live, what a source of components has, under a prefix or as it is. It is closed when the server stops. */
  addProvider(provider: Provider, { prefix }: { readonly prefix?: string | undefined } = {}): this {
    this.#composition.addProvider(provider, prefix)
    return this
  }

  /** Offer it no more, and close it. Gives whether it was there. */
  removeProvider(provider: Provider): boolean {
    return this.#composition.removeProvider(provider)
  }

  /** Surround every run of a component, mounted ones included, or of one kind; the first added is the outermost. */
  use(middleware: Middleware<Auth>): this
  use<K extends RunKind>(kind: K, middleware: MiddlewareOf<K, Auth>): this
  use(...given: readonly unknown[]): this {
    const [kind, middleware] = given.length > 1 ? given : [undefined, ...given]
    this.#composition.use(kind as RunKind | undefined, middleware as Middleware)
    return this
  }

  /**
   * Change how components, mounted ones included, are seen by clients and by servers that mount
   * this one: renamed, hidden, described in other words, with other arguments. Handlers and
   * middleware of this server still know them as they were.
   * @throws TypeError where something that is there now cannot be seen so.
   */
  transform(how: See | SeenTable): this {
    this.#composition.transform(how)
    return this
  }

  /** Tell the subscribers of a resource that it holds something else now. */
  notifyResourceUpdated(uri: string): void {
    this.#composition.scope.notifyResourceUpdated(uri)
  }

  /** The clients that are there: those between `connect` and `disconnect`. */
  get sessions(): readonly ClientSession[] {
    return this.#connected.sessions
  }

  /** How the server is doing; also what `GET /ready` answers. */
  status(): ServerStatus {
    return this.#servings.status
  }

  /** Hear of clients that come and go. A listener that throws harms nobody. */
  on<Name extends keyof ServerEvents>(name: Name, listener: (event: ServerEvents[Name]) => unknown): this {
    this.#connected.events.on(name, listener)
    return this
  }

  off<Name extends keyof ServerEvents>(name: Name, listener: (event: ServerEvents[Name]) => unknown): this {
    this.#connected.events.off(name, listener)
    return this
  }

  /** Serve over HTTP. Resolves when the server listens; rejects if it cannot. */
  start(
    options: StartOptions & ({ transportType: 'httpStream' } | { httpStream: object }),
  ): Promise<HttpServing>
  /** Serve over this process's stdin and stdout, unless told otherwise. */
  start(options?: StartOptions): Promise<Serving>
  start(options: StartOptions = {}): Promise<Serving> {
    return this.#servings.start(options)
  }

  /** Let running calls finish (for at most 10 s), then close every session, stream and socket. Also done on SIGINT and SIGTERM. */
  stop(): Promise<void> {
    return this.#servings.stop()
  }

  /** Serve one client over a transport of the official SDK, or one shaped like it. */
  async connect(transport: Transport): Promise<void> {
    await this.#servings.connect(transport)
  }

  /** A Hono app for routes of your own beside MCP, served wherever the server is: `server.app.get('/users', …)`. */
  get app(): Hono {
    return (this.#routes ??= new Hono())
  }

  /** The server as a Hono app, alone or as a part of another: `app.route('/', server.httpApp())`. */
  httpApp({ middleware = [], ...options }: HttpAppOptions = {}): Hono {
    return honoApp(this.#servings.endpoint(options), middleware, this.#routes)
  }

  /** The server as a handler for Express, Connect, Fastify (through `@fastify/middie`) or `node:http`. */
  nodeHandler(options: EmbeddedOptions = {}): NodeHandler {
    return nodeHandler(this.#servings.endpoint(options), () => this.#routes)
  }

  /** Answer a web-standard request, on any runtime that has them. May be handed on as it is. */
  readonly fetch = async (request: Request, ...platform: unknown[]): Promise<Response> => {
    const endpoint = (this.#endpoint ??= this.#servings.endpoint({}))
    const routes = this.#routes
    return routes === undefined || endpoint.roleAt(new URL(request.url).pathname) !== undefined
      ? fetchFrom(endpoint, request)
      : routes.fetch(request, ...(platform as []))
  }

  /** Send a request through the HTTP layer without a socket, as a test would: `server.request('/mcp', init)`. */
  request(path: string, init?: RequestInit): Promise<Response> {
    return this.fetch(new Request(new URL(path, 'http://localhost'), init))
  }

  #defineTool(tool: unknown): Component<'tool'> {
    return defineTool(tool as ToolConfig, { timeoutMs: this.#settings.toolTimeoutMs })
  }
}

/** Reads `(server, options?)` and `(prefix, server, options?)`. */
function mounting(given: readonly unknown[]) {
  const [prefix, server, options = {}] = given[0] instanceof FastMCP ? [undefined, ...given] : given
  if (!(server instanceof FastMCP)) throw new TypeError('Only a FastMCP can be mounted or imported')
  return {
    prefix: prefix as string | undefined,
    server: server as FastMCP,
    options: options as MountOptions,
  }
}
