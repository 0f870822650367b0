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
import { DEFAULT_ENDPOINT, HttpEndpoint } from './transports/http/endpoint.js'
import type { HttpListener } from './transports/http/node.js'
import type { StdioServer } from './transports/stdio.js'

const STOPPED = 'The server was stopped before it had started'

/** How long a process may live on, in milliseconds, after its client on stdio has gone. */
const LINGER_MS = 1000

/** What a server is being served by, from `start` to `stop`. */
export class Servings {
  readonly #sessions: Sessions
  readonly #settings: Settings
  readonly #listeners = new Set<HttpListener>()
  readonly #cleanups = new Set<() => void>()
  #stdio: StdioServer | undefined
  #ownsStdio = false
  /** How often it was stopped: what starts meanwhile must not go on. */
  #stops = 0
  #stopping: Promise<void> | undefined

  constructor(sessions: Sessions, settings: Settings) {
    this.#sessions = sessions
    this.#settings = settings
  }

  async start(options: StartOptions): Promise<Serving> {
    const overHttp = options.transportType === 'httpStream' || options.httpStream !== undefined
    const serving = overHttp ? await this.#startHttp(options.httpStream ?? {}) : await this.#startStdio()
    if (this.#cleanups.size === 0) this.#cleanups.add(onSignals(() => this.stop()))
    return serving
  }

  /** Let what runs finish, then close everything. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
    }))
  }

  async #stop(): Promise<void> {
    this.#stops += 1
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
  }

  async #startHttp(options: HttpStreamOptions): Promise<HttpServing> {
    const { port = DEFAULT_PORT, host = DEFAULT_HOST, endpoint: path = DEFAULT_ENDPOINT } = options
    const endpoint = this.endpoint({ ...options, boundHost: host })
    const stops = this.#stops
    const { listen } = await import('./transports/http/node.js')
    const listener = await listen(endpoint, { port, host })
    if (stops !== this.#stops) {
      await listener.close()
      throw new Error(STOPPED)
    }
    this.#listeners.add(listener)
    const url = `http://${authority(host)}:${listener.port}${path}`
    return { url, port: listener.port, stop: () => this.stop() }
  }

  /** What answers HTTP requests, however they get here. */
  endpoint(options: ConstructorParameters<typeof HttpEndpoint>[1]): HttpEndpoint {
    const { health, logger } = this.#settings
    return new HttpEndpoint(this.#sessions, { ...options, health }, (error) => {
      logger.error('Error answering an HTTP request', error)
    })
  }

  async #startStdio(): Promise<Serving> {
    if (this.#ownsStdio) throw new Error('This server is on stdio already')
    const { process } = globalThis as { process?: NodeJS.Process }
    if (process?.stdin === undefined) throw new Error('This runtime has no stdio: use server.fetch instead')
    this.#ownsStdio = true
    const stops = this.#stops
    const { serveStdio } = await import('./transports/stdio.js')
    if (stops !== this.#stops) throw new Error(STOPPED)
    this.#stdio = serveStdio(this.#sessions, process)
    void this.#stdio.ended.then(async () => {
      await this.stop()
      // What user code left open must not keep a process alive that nobody talks to any more.
      setTimeout(() => process.exit(), LINGER_MS).unref()
    })
    return { url: undefined, port: undefined, stop: () => this.stop() }
  }
}

/** A host as it stands in a URL. A server on every address is at least on this machine's own. */
function authority(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
