import type { UpstreamStatus } from '../../providers/provider.js'
import { HttpError, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'

/** Where a load balancer asks whether the server lives. */
export interface HealthOptions {
  readonly enabled?: boolean | undefined
  /** Default: `/health`. */
  readonly path?: string | undefined
  /** Default: `ok`. */
  readonly message?: string | undefined
  /** Default: 200. */
  readonly status?: number | undefined
}

/** Where a load balancer asks whether the server can take traffic: 200 if so, else 503, with `status()` as JSON. */
export interface ReadyOptions {
  readonly enabled?: boolean | undefined
  /** Default: `/ready`. */
  readonly path?: string | undefined
}

/** How a server within another is doing. */
export interface MountStatus {
  readonly name: string
  readonly prefix: string | undefined
  /** Whether what it needs is open. */
  readonly state: 'idle' | 'running'
  /** Why it could not start, if so. */
  readonly lastError: string | undefined
  readonly mounts: readonly MountStatus[]
}

/** How a server is doing. */
export interface ServerStatus {
  readonly name: string
  readonly version: string
  readonly state: 'idle' | 'starting' | 'running' | 'stopping' | 'stopped'
  /** Whether it can take traffic. A server that nobody is connected to can. */
  readonly ready: boolean
  /** Since it has been running, in milliseconds; 0 where it does not. */
  readonly uptimeMs: number
  /** Why it could not start, if so. */
  readonly lastError: string | undefined
  readonly sessions: { readonly connected: number; readonly max: number }
  /** How many requests are being answered. */
  readonly requests: number
  readonly mounts: readonly MountStatus[]
  /** The servers behind it, wherever in the tree of mounts they are. One that is unavailable does not make it unready. */
  readonly upstreams: readonly UpstreamStatus[]
}

/** Answers those who ask how the server is doing. */
export class Health {
  readonly healthPath: string | undefined
  readonly readyPath: string | undefined
  readonly #message: string
  readonly #status: number
  readonly #server: () => ServerStatus
  readonly #isShort: boolean

  constructor(
    health: HealthOptions = {},
    ready: ReadyOptions = {},
    server: () => ServerStatus,
    isShort: boolean,
  ) {
    const { path = '/health', message = 'ok', status = 200 } = health
    this.healthPath = health.enabled === false ? undefined : path
    this.readyPath = ready.enabled === false ? undefined : (ready.path ?? '/ready')
    this.#message = message
    this.#status = status
    this.#server = server
    this.#isShort = isShort
  }

  answerHealth(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    answer(request, response, this.#status, 'text/plain; charset=utf-8', this.#message, cors)
  }

  answerReady(request: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    const status = this.#server()
    const headers = { 'cache-control': 'no-store', ...cors }
    // Where clients have to say who they are, strangers are not told what is behind it.
    const { name, version, state, ready } = status
    const body = JSON.stringify(this.#isShort ? { name, version, state, ready } : status)
    answer(request, response, status.ready ? 200 : 503, 'application/json', body, headers)
  }
}

function answer(
  { method }: HttpRequest,
  response: HttpResponse,
  status: number,
  type: string,
  body: string,
  headers: HttpHeaders,
): void {
  if (method !== 'GET' && method !== 'HEAD') throw new HttpError(405, 'Ask with GET', { allow: 'GET, HEAD' })
  response.send(status, { 'content-type': type, ...headers }, method === 'HEAD' ? undefined : body)
}
