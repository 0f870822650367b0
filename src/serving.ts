import type { Hono } from 'hono'
import type { Lifecycle } from './lifecycle.js'
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  STOP_GRACE_MS,
  type HttpServing,
  type HttpStreamOptions,
  type Serving,
  type Settings,
  type StartOptions,
} from './options.js'
import { onSignals } from './runtime/signals.js'
import type { Sessions } from './sessions/sessions.js'
import type { Credentials } from './sessions/sinks.js'
import { nameOf, serveTransport } from './transports/connection.js'
import { DEFAULT_ENDPOINT, HttpEndpoint, type EndpointOptions } from './transports/http/endpoint.js'
import type { ServerStatus } from './transports/http/health.js'
import type { HttpListener, OtherListener } from './transports/http/node.js'
import type { StdioServer } from './transports/stdio.js'
import type { Transport } from './transports/transport.js'

const STOPPED = 'The server was stopped before it had started'

/** How long a process may live on, in milliseconds, after its client on stdio has gone. */
const LINGER_MS = 1000

/** Whatever serves in this process. */
const ACTIVE = new Set<Servings>()

/** What is there of a server by the time it is asked for. */
interface Served {
  /** Custom routes, if there are any. */
  readonly routes: () => Hono | undefined
  readonly mounts: () => ServerStatus['mounts']
  readonly upstreams: () => ServerStatus['upstreams']
}

/** What a server is being served by, from `start` to `stop`. */
export class Servings {
  readonly #sessions: Sessions
  readonly #settings: Settings
  readonly #lifecycle: Lifecycle
  readonly #server: Served
  readonly #listeners = new Set<HttpListener>()
  readonly #cleanups = new Set<() => void>()
  #stdio: StdioServer | undefined
  #ownsStdio = false
  /** How often it was stopped: what starts meanwhile must not go on. */
  #stops = 0
  #stopping: Promise<void> | undefined

  constructor(sessions: Sessions, settings: Settings, lifecycle: Lifecycle, server: Served) {
    this.#sessions = sessions
    this.#settings = settings
    this.#lifecycle = lifecycle
    this.#server = server
  }

  get status(): ServerStatus {
    const { sessions, max, requests } = this.#sessions.counts
    const { state, uptimeMs, lastError } = this.#lifecycle
    return {
      name: this.#settings.name,
      version: this.#settings.version,
      state,
      ready: state === 'running',
      uptimeMs,
      lastError,
      sessions: { connected: sessions, max },
      requests,
      mounts: this.#server.mounts(),
      upstreams: this.#server.upstreams(),
    }
  }

  async start(options: StartOptions): Promise<Serving> {
    await this.#stopping
    const overHttp = options.transportType === 'httpStream' || options.httpStream !== undefined
    ACTIVE.add(this)
    const serving = await (overHttp ? this.#startHttp(options.httpStream ?? {}) : this.#startStdio()).catch(
      (error: unknown) => this.#notStarted(error),
    )
    if (this.#cleanups.size === 0) this.#cleanups.add(onSignals(() => this.stop()))
    return serving
  }

  /** Let what runs finish, then close everything. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
    }))
  }

  /** What was opened for nothing is closed, unless it is in use otherwise. */
  async #notStarted(error: unknown): Promise<never> {
    const isUsed = this.#listeners.size > 0 || this.#ownsStdio || this.#sessions.isUsed
    if (!isUsed && this.#lifecycle.state === 'running') await this.stop()
    if (!isUsed) ACTIVE.delete(this)
    throw error
  }

  async #stop(): Promise<void> {
    this.#stops += 1
    this.#lifecycle.stopping()
    for (const cleanUp of this.#cleanups) cleanUp()
    this.#cleanups.clear()
    const listeners = [...this.#listeners]
    const stdio = this.#stdio
    this.#listeners.clear()
    this.#stdio = undefined
    this.#ownsStdio = false
    for (const listener of listeners) listener.refuse()
    await this.#sessions.close(STOP_GRACE_MS)
    await Promise.all([...listeners.map((listener) => listener.close()), stdio?.close()])
    await this.#lifecycle.end()
    this.#sessions.open()
    ACTIVE.delete(this)
  }

  async #startHttp(options: HttpStreamOptions): Promise<HttpServing> {
    const { port = DEFAULT_PORT, host = DEFAULT_HOST, endpoint: path = DEFAULT_ENDPOINT, tls } = options
    const endpoint = this.endpoint({ ...options, boundHost: host })
    const stops = this.#stops
    const [{ listen }, others] = await Promise.all([
      import('./transports/http/node.js'),
      this.#others(),
      this.#lifecycle.begin(),
    ])
    const listener = stops === this.#stops ? await listen(endpoint, { port, host, tls, others }) : undefined
    if (listener === undefined || stops !== this.#stops) {
      await listener?.close()
      throw new Error(STOPPED)
    }
    this.#listeners.add(listener)
    const url = `${tls === undefined ? 'http' : 'https'}://${authority(host)}:${listener.port}${path}`
    return { url, port: listener.port, stop: () => this.stop() }
  }

  /** Serve one client over a connection that is there. */
  async connect(transport: Transport): Promise<void> {
    const credentials = await this.#settings.authenticator?.once(nameOf(transport))
    await this.#lifecycle.begin()
    await serveTransport(transport, this.#sessions, credentials)
  }

  /** What answers HTTP requests, however they get here. */
  endpoint(options: EndpointOptions): HttpEndpoint {
    const { health, ready, logger, authenticator, scheme } = this.#settings
    const server = {
      sessions: this.#sessions,
      health,
      ready,
      authenticator,
      scheme,
      begin: this.#lifecycle.beginForRequest,
      status: () => this.status,
      onError: (error: unknown) => {
        logger.error('Error answering an HTTP request', error)
      },
    }
    return new HttpEndpoint(server, options)
  }

  /** What answers requests for custom routes, once there are any. */
  async #others(): Promise<() => OtherListener | undefined> {
    const { getRequestListener } = await import('#node-server')
    const known = new WeakMap<Hono, OtherListener>()
    return () => {
      const routes = this.#server.routes()
      if (routes === undefined) return undefined
      const listener = known.get(routes) ?? getRequestListener(routes.fetch)
      known.set(routes, listener)
      return listener
    }
  }

  async #startStdio(): Promise<Serving> {
    if (this.#ownsStdio) throw new Error('This server is on stdio already')
    const { process } = globalThis as { process?: NodeJS.Process }
    if (process?.stdin === undefined) throw new Error('This runtime has no stdio: use server.fetch instead')
    this.#ownsStdio = true
    const stops = this.#stops
    const begin = async (): Promise<Credentials | undefined> => {
      const known = await this.#settings.authenticator?.once('stdio')
      await this.#lifecycle.begin()
      return known
    }
    const [{ serveStdio }, credentials] = await Promise.all([import('./transports/stdio.js'), begin()]).catch(
      (error: unknown) => {
        this.#ownsStdio = false
        throw error
      },
    )
    if (stops !== this.#stops) throw new Error(STOPPED)
    this.#stdio = serveStdio(this.#sessions, process, credentials)
    void this.#stdio.ended.then(async () => {
      await this.stop()
      // What user code left open must not keep a process alive that nobody talks to any more.
      setTimeout(() => {
        if (ACTIVE.size === 0) process.exit()
      }, LINGER_MS).unref()
    })
    return { url: undefined, port: undefined, stop: () => this.stop() }
  }
}

/** A host as it stands in a URL. A server on every address is at least on this machine's own. */
function authority(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
