import { ProtocolError } from '../../errors.js'
import type { Sessions } from '../../sessions/sessions.js'
import { Cors, type CorsOptions } from './cors.js'
import { Guard, type GuardOptions } from './guard.js'
import { HttpError, NO_HEADERS, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import { sendError, StreamableHttp } from './streamable-http.js'

/** Where and how the server is reached over HTTP. */
export interface EndpointOptions extends GuardOptions {
  /** The path of the MCP endpoint. Default: `/mcp`. */
  readonly endpoint?: string | undefined
  /** `false` says nothing to browsers, so that no other page can read answers. */
  readonly cors?: boolean | CorsOptions | undefined
  /** How large a request may be, in bytes. Default: 4 MiB. */
  readonly maxBodyBytes?: number | undefined
  readonly health?: HealthOptions | undefined
}

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

export const DEFAULT_ENDPOINT = '/mcp'
const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024

/** Everything the server answers over HTTP, whatever brought the request. */
export class HttpEndpoint {
  readonly #mcp: StreamableHttp
  readonly #guard: Guard
  readonly #cors: Cors | undefined
  readonly #path: string
  readonly #health: { readonly path: string; readonly message: string; readonly status: number } | undefined
  readonly #onError: (error: unknown) => void

  constructor(sessions: Sessions, options: EndpointOptions, onError: (error: unknown) => void) {
    const {
      endpoint = DEFAULT_ENDPOINT,
      maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
      cors = true,
      health = {},
    } = options
    if (!(maxBodyBytes > 0)) throw new TypeError(`maxBodyBytes must be a number above 0, not ${maxBodyBytes}`)
    if (!endpoint.startsWith('/'))
      throw new TypeError(`The endpoint ${JSON.stringify(endpoint)} must begin with "/"`)
    this.#mcp = new StreamableHttp(sessions, maxBodyBytes)
    this.#guard = new Guard(options)
    this.#cors = cors === false ? undefined : new Cors(cors === true ? {} : cors)
    this.#path = endpoint
    const { enabled = true, path = '/health', message = 'ok', status = 200 } = health
    this.#health = enabled ? { path, message, status } : undefined
    this.#onError = onError
  }

  /** Answer one request, whatever comes of it. */
  handle(request: HttpRequest, response: HttpResponse): void {
    let cors = NO_HEADERS
    const refuse = (error: unknown): void => {
      if (!(error instanceof HttpError || error instanceof ProtocolError)) this.#onError(error)
      sendError(response, error, cors)
    }
    try {
      const origin = this.#guard.check(request)
      if (origin !== undefined && this.#cors !== undefined) cors = this.#cors.headers(origin)
      if (request.path !== this.#path) this.#beside(request, response, cors)
      else if (request.method === 'OPTIONS') this.#preflight(request, response, origin)
      else this.#mcp.handle(request, response, cors)?.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }

  #preflight(request: HttpRequest, response: HttpResponse, origin: string | undefined): void {
    const isAnswered = origin !== undefined && this.#cors !== undefined
    response.send(204, isAnswered ? this.#cors.preflight(origin, request) : { allow: 'GET, POST, DELETE' })
  }

  #beside({ method, path }: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    const health = this.#health
    if (path !== health?.path) throw new HttpError(404, 'There is nothing here')
    if (method !== 'GET' && method !== 'HEAD')
      throw new HttpError(405, 'Ask with GET', { allow: 'GET, HEAD' })
    const body = method === 'HEAD' ? undefined : health.message
    response.send(health.status, { 'content-type': 'text/plain; charset=utf-8', ...cors }, body)
  }
}
