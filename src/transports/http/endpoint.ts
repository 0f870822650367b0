import { ProtocolError } from '../../errors.js'
import { hopsIn, MAX_HOPS } from '../../protocol/via.js'
import type { AuthScheme } from '../../sessions/auth-scheme.js'
import { RefusedError, type Authenticator } from '../../sessions/authenticator.js'
import type { Sessions } from '../../sessions/sessions.js'
import type { Credentials } from '../../sessions/sinks.js'
import { Cors, type CorsOptions } from './cors.js'
import type { EventStore } from './event-store.js'
import { Guard, type GuardOptions } from './guard.js'
import { Health, type HealthOptions, type ReadyOptions, type ServerStatus } from './health.js'
import { HttpError, NO_HEADERS, type HttpHeaders, type HttpRequest, type HttpResponse } from './message.js'
import { MESSAGES_PATH, SSE_PATH, SseTransport } from './sse-transport.js'
import { authRequest } from './auth-request.js'
import { sendError } from './errors.js'
import { Rechecks } from './rechecks.js'
import { StreamableHttp } from './streamable-http.js'

/** Where and how the server is reached over HTTP. */
export interface EndpointOptions extends GuardOptions {
  /** The path of the MCP endpoint. Default: `/mcp`. */
  readonly endpoint?: string | undefined
  /** Keep no sessions for clients up to 2025-11-25: each request stands alone, and nothing can be asked or told in between. Default: `false`. */
  readonly stateless?: boolean | undefined
  /** Serve HTTP+SSE on `/sse` and `/messages` too, for clients of 2024-11-05. Default: `true`, unless stateless. */
  readonly sse?: boolean | undefined
  /** Where what sessions were sent is kept for clients that come back. Default: in this process, bounded; `false`: nowhere. */
  readonly eventStore?: EventStore | false | undefined
  /** `false` says nothing to browsers, so that no other page can read answers. */
  readonly cors?: boolean | CorsOptions | undefined
  /** How large a request may be, in bytes. Default: 4 MiB. */
  readonly maxBodyBytes?: number | undefined
}

/** What the endpoint needs of the server behind it. */
export interface EndpointServer {
  readonly sessions: Sessions
  readonly health: HealthOptions | undefined
  readonly ready: ReadyOptions | undefined
  /** Finds out who sends requests, if that matters. */
  readonly authenticator: Authenticator | undefined
  readonly scheme: AuthScheme | undefined
  /** Called before each request; a promise is waited for where the server is to be started first. */
  readonly begin: () => Promise<void> | undefined
  readonly status: () => ServerStatus
  readonly onError: (error: unknown) => void
}

/** What stands at a path. */
export type Role = 'mcp' | 'sse' | 'messages' | 'health' | 'ready' | 'metadata'

/** Whether one has to be let in for what stands at a path. */
const IS_CHECKED: { readonly [R in Role]: boolean } = {
  mcp: true,
  sse: true,
  messages: true,
  health: false,
  ready: false,
  metadata: false,
}

export const DEFAULT_ENDPOINT = '/mcp'
const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024

/** Everything the server answers over HTTP, whatever brought the request. */
export class HttpEndpoint {
  readonly paths: ReadonlyMap<string, Role>
  readonly #server: EndpointServer
  readonly #mcp: StreamableHttp
  readonly #sse: SseTransport
  readonly #guard: Guard
  readonly #cors: Cors | undefined
  readonly #health: Health
  readonly #rechecks: Rechecks | undefined

  /** @throws TypeError for options that cannot be meant. */
  constructor(server: EndpointServer, options: EndpointOptions) {
    const { endpoint = DEFAULT_ENDPOINT, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, cors = true } = options
    const { stateless = false, sse = !stateless, eventStore } = options
    if (!(maxBodyBytes > 0)) throw new TypeError(`maxBodyBytes must be a number above 0, not ${maxBodyBytes}`)
    if (!endpoint.startsWith('/'))
      throw new TypeError(`The endpoint ${JSON.stringify(endpoint)} must begin with "/"`)
    if (stateless && sse) throw new TypeError('HTTP+SSE has sessions: it cannot be served statelessly')
    this.#server = server
    const rechecks = server.authenticator && new Rechecks(server.authenticator)
    this.#rechecks = rechecks
    this.#mcp = new StreamableHttp(server.sessions, { maxBodyBytes, stateless, eventStore, rechecks })
    this.#sse = new SseTransport(server.sessions, maxBodyBytes, rechecks)
    this.#guard = new Guard(options)
    this.#cors = cors === false ? undefined : new Cors(cors === true ? {} : cors)
    this.#health = new Health(server.health, server.ready, server.status, server.authenticator !== undefined)
    this.paths = pathsOf(endpoint, sse, this.#health, server.scheme)
  }

  roleAt(path: string): Role | undefined {
    return this.paths.get(path)
  }

  /** Whether the server may be reached by the name that a request gives it; for what stands beside the endpoint. */
  isHostAllowed(request: HttpRequest): boolean {
    return this.#guard.isHostAllowed(request.headers['host'])
  }

  /** Answer one request, whatever comes of it; `role` where something else has looked at its path. */
  handle(request: HttpRequest, response: HttpResponse, role = this.roleAt(request.path)): void {
    const beginning = this.#server.begin()
    if (beginning === undefined) {
      this.#answer(request, response, role)
      return
    }
    const answer = (): void => {
      this.#answer(request, response, role)
    }
    const refuse = (error: unknown): void => {
      sendError(response, error instanceof HttpError ? error : notStarted(), NO_HEADERS)
    }
    // Who asks how the server is doing wants to know it now.
    if (role !== 'health' && role !== 'ready') beginning.then(answer, refuse)
    else {
      beginning.catch(() => undefined)
      answer()
    }
  }

  #answer(request: HttpRequest, response: HttpResponse, role: Role | undefined): void {
    let cors = NO_HEADERS
    const refuse = (error: unknown): void => {
      const isExpected = [HttpError, ProtocolError, RefusedError].some((kind) => error instanceof kind)
      if (!isExpected) this.#server.onError(error)
      sendError(response, error, cors)
    }
    try {
      const origin = this.#guard.check(request)
      refuseLoops(request)
      if (origin !== undefined && this.#cors !== undefined) cors = this.#cors.headers(origin)
      if (request.method === 'OPTIONS' && role !== undefined) this.#preflight(request, response, origin)
      else this.#serveChecked(role, request, response, cors)?.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }

  /** Nothing is read, or looked up, for who is not let in. */
  #serveChecked(
    role: Role | undefined,
    request: HttpRequest,
    response: HttpResponse,
    cors: HttpHeaders,
  ): Promise<void> | undefined {
    const { authenticator } = this.#server
    if (authenticator === undefined || role === undefined || !IS_CHECKED[role])
      return this.#serve(role, request, response, cors)
    const refused = (error: unknown): never => {
      request.discard()
      const isKnown = !(error instanceof RefusedError) || error.status < 500
      if (isKnown) this.#rechecks?.refused(request)
      throw error
    }
    const letIn = (credentials: Credentials): Promise<void> | undefined => {
      request.credentials = credentials
      return this.#serve(role, request, response, cors)
    }
    let checked: Credentials | Promise<Credentials>
    try {
      checked = authenticator.check(authRequest(request, role === 'mcp' ? 'httpStream' : 'sse'))
    } catch (error) {
      return refused(error)
    }
    return checked instanceof Promise ? checked.catch(refused).then(letIn) : letIn(checked)
  }

  #serve(
    role: Role | undefined,
    request: HttpRequest,
    response: HttpResponse,
    cors: HttpHeaders,
  ): Promise<void> | undefined {
    switch (role) {
      case 'mcp':
        return this.#mcp.handle(request, response, cors)
      case 'sse':
        this.#sse.open(request, response, cors)
        return undefined
      case 'messages':
        return this.#sse.take(request, response, cors)
      case 'health':
        this.#health.answerHealth(request, response, cors)
        return undefined
      case 'ready':
        this.#health.answerReady(request, response, cors)
        return undefined
      case 'metadata':
        this.#answerMetadata(request, response, cors)
        return undefined
      case undefined:
        throw new HttpError(404, 'There is nothing here')
    }
  }

  #answerMetadata({ method }: HttpRequest, response: HttpResponse, cors: HttpHeaders): void {
    if (method !== 'GET') throw new HttpError(405, 'Ask with GET', { allow: 'GET' })
    const document = JSON.stringify(this.#server.scheme?.metadata.document)
    response.send(200, { 'content-type': 'application/json', ...cors }, document)
  }

  #preflight(request: HttpRequest, response: HttpResponse, origin: string | undefined): void {
    const isAnswered = origin !== undefined && this.#cors !== undefined
    response.send(204, isAnswered ? this.#cors.preflight(origin, request) : { allow: 'GET, POST, DELETE' })
  }
}

/** The endpoint itself wins where two are to be at one path. */
function pathsOf(
  endpoint: string,
  sse: boolean,
  { healthPath, readyPath }: Health,
  scheme: AuthScheme | undefined,
): Map<string, Role> {
  const paths = new Map<string, Role>()
  for (const path of scheme?.metadata.paths(endpoint) ?? []) paths.set(path, 'metadata')
  if (readyPath !== undefined) paths.set(readyPath, 'ready')
  if (healthPath !== undefined) paths.set(healthPath, 'health')
  if (sse) paths.set(SSE_PATH, 'sse').set(MESSAGES_PATH, 'messages')
  return paths.set(endpoint, 'mcp')
}

/** A proxy can be made to lead back to itself, if only through others. @throws HttpError 508 */
function refuseLoops({ headers: { via } }: HttpRequest): void {
  if (via !== undefined && hopsIn(via) >= MAX_HOPS)
    throw new HttpError(508, `The request has come through ${MAX_HOPS} proxies: it goes round in circles`)
}

function notStarted(): HttpError {
  return new HttpError(503, 'The server could not be started', { 'retry-after': '10' })
}
