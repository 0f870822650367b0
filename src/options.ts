import type { FastMCP } from './fast-mcp.js'
import type { CacheHint } from './protocol/era.js'
import type { Icon } from './protocol/types.js'
import type { OnDuplicate } from './providers/local.js'
import { guarded, stderrLogger, type Logger } from './runtime/logger.js'
import type { AuthScheme } from './sessions/auth-scheme.js'
import { Authenticator, type AuthRequest } from './sessions/authenticator.js'
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from './sessions/sessions.js'
import type { MiddlewareHandler } from 'hono'
import type { PingOptions } from './sessions/heartbeat.js'
import { MIN_STATE_KEY_LENGTH, type RequestStateOptions } from './sessions/request-state.js'
import type { EndpointOptions } from './transports/http/endpoint.js'
import type { HealthOptions, ReadyOptions } from './transports/http/health.js'
import type { TlsOptions } from './transports/http/node.js'

/** What a server is, and how it behaves. Everything but its name and version has a default. */
export interface FastMCPOptions<Auth = unknown> {
  readonly name: string
  readonly version: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  /** What a model should know before it uses the server. Default: for a proxy, what the server behind it says. */
  readonly instructions?: string | undefined
  readonly icons?: readonly Icon[] | undefined
  readonly websiteUrl?: string | undefined
  /**
   * Tell clients no more of an unexpected error than which tool, resource or prompt failed;
   * the rest goes to the logger. Default: `true`.
   */
  readonly maskErrorDetails?: boolean | undefined
  /** What happens to a component whose name or URI is taken. Default: `error`. */
  readonly onDuplicate?: OnDuplicate | undefined
  /** How many components a page of a list shows. Default: all of them on one page. */
  readonly listPageSize?: number | undefined
  /** How long 2026-07-28 clients may keep lists and resources. Default: not at all, and for themselves only. */
  readonly cache?: CacheHint | undefined
  /** Milliseconds after which a tool's run is ended, unless the tool says otherwise. Default: no limit. */
  readonly toolTimeoutMs?: number | undefined
  /** How many requests may be under way at once, of all clients together; past them HTTP clients get 503. Default: 10,000. */
  readonly maxRequests?: number | undefined
  readonly session?: { readonly [K in keyof SessionLimits]?: SessionLimits[K] | undefined } | undefined
  readonly health?: HealthOptions | undefined
  readonly ready?: ReadyOptions | undefined
  readonly ping?: PingOptions | undefined
  readonly roots?: RootsOptions | undefined
  readonly requestState?: RequestStateOptions | undefined
  /**
   * Says who sent a request, before anything is read of its body: what it gives, handlers find as
   * `context.session`. Giving nothing, or throwing, refuses it with 401; a thrown `Response` is
   * passed on. Asked for every HTTP request, and while a stream is open; elsewhere once, as the
   * connection begins. What clients may keep is for themselves only then.
   */
  authenticate?(this: void, request: AuthRequest): Auth | null | undefined | Promise<Auth | null | undefined>
  /**
   * Tells callers apart: a session belongs to who opened it. Default: all that `authenticate`
   * gave, as JSON; so give it where that changes from request to request, or is no JSON.
   */
  principal?(this: void, auth: Auth): string
  /** A scheme instead of `authenticate`: see `bearerAuth` of `fastmesh/auth`. */
  readonly auth?: AuthScheme<Auth> | undefined
  /**
   * Opens what the server needs (a pool, a watcher) before the first work, and gives what
   * closes it after the last: from `start`, `connect` or the first request until `stop`.
   */
  lifespan?(server: FastMCP<Auth>): void | AsyncDisposable | Promise<void | AsyncDisposable>
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger | undefined
}

/** What is known of a client's roots when `connect` tells of it. */
export interface RootsOptions {
  /** Ask clients up to 2025-11-25 that declare roots as soon as they are there. Default: `true`, for a proxy `false`. */
  readonly enabled?: boolean | undefined
}

/** How a server is mounted. */
export interface MountOptions {
  /** Run what it offers in sessions of its own, instead of as a part of the server that mounts it. Default: `false`. */
  readonly asProxy?: boolean | undefined
}

/** How the server is reached within an application that is there already. */
export type EmbeddedOptions = Omit<EndpointOptions, 'boundHost'>

/** The same as a Hono app. */
export interface HttpAppOptions extends EmbeddedOptions {
  /** Hono middleware around all that the app answers. */
  readonly middleware?: readonly MiddlewareHandler[] | undefined
}

/** Where a server is reached over HTTP. */
export interface HttpStreamOptions extends EmbeddedOptions {
  /** 0 picks one that is free. Default: 8080. */
  readonly port?: number | undefined
  /** Default: `localhost`, which only this machine can reach. */
  readonly host?: string | undefined
  /** Serve HTTPS. */
  readonly tls?: TlsOptions | undefined
}

/** How `start` serves: over HTTP if it says so or has `httpStream`, else over stdio. */
export type StartOptions =
  | { readonly transportType: 'stdio'; readonly httpStream?: undefined }
  | { readonly transportType: 'httpStream'; readonly httpStream?: HttpStreamOptions }
  | { readonly transportType?: undefined; readonly httpStream?: HttpStreamOptions }

/** A server that is being served. */
export interface Serving {
  /** Where clients connect; `undefined` on stdio. */
  readonly url: string | undefined
  readonly port: number | undefined
  /** The same as the server's own `stop`. */
  readonly stop: () => Promise<void>
}

/** A server that is being served over HTTP. */
export interface HttpServing extends Serving {
  readonly url: string
  readonly port: number
}

const DEFAULT_MAX_REQUESTS = 10_000

export const DEFAULT_PORT = 8080
export const DEFAULT_HOST = 'localhost'

/** How long running calls may take to finish once the server is to stop, in milliseconds. */
export const STOP_GRACE_MS = 10_000

/** Options with every default filled in. */
export type Settings = ReturnType<typeof withDefaults>

/** @throws TypeError for options that cannot be meant. */
export function withDefaults<Auth>(options: FastMCPOptions<Auth>) {
  const { name, version, listPageSize, toolTimeoutMs, cache = { ttlMs: 0, scope: 'private' } } = options
  if (typeof name !== 'string' || name === '') throw new TypeError('A server needs a name')
  if (typeof version !== 'string' || version === '') throw new TypeError(`Server '${name}' needs a version`)
  checkPositive('listPageSize', listPageSize)
  if (listPageSize !== undefined && !Number.isInteger(listPageSize))
    throw new TypeError(`listPageSize must be a whole number, not ${listPageSize}`)
  checkPositive('toolTimeoutMs', toolTimeoutMs)
  if (!Number.isInteger(cache.ttlMs) || cache.ttlMs < 0)
    throw new TypeError('cache.ttlMs must be a whole number of milliseconds, or 0')
  const session = { ...DEFAULT_SESSION_LIMITS, ...definedIn(options.session ?? {}) }
  for (const [limit, value] of Object.entries(session)) checkPositive(`session.${limit}`, value)
  const { maxRequests = DEFAULT_MAX_REQUESTS } = options
  checkPositive('maxRequests', maxRequests)
  const { ping = {}, requestState = {} } = options
  checkPositive('ping.intervalMs', ping.intervalMs)
  checkPositive('requestState.ttlMs', requestState.ttlMs)
  checkPositive('requestState.maxRounds', requestState.maxRounds)
  if (requestState.key !== undefined && requestState.key.length < MIN_STATE_KEY_LENGTH)
    throw new TypeError(`requestState.key must have at least ${MIN_STATE_KEY_LENGTH} characters`)
  const logger = guarded(options.logger ?? stderrLogger)
  const authenticator = authenticatorOf(options, logger)
  return {
    name,
    version,
    authenticator,
    scheme: options.auth as AuthScheme | undefined,
    ping,
    requestState,
    asksForRoots: options.roots?.enabled ?? true,
    listPageSize,
    toolTimeoutMs,
    // Callers are told different things.
    cache: authenticator === undefined ? cache : { ...cache, scope: 'private' as const },
    session,
    maxRequests,
    onDuplicate: options.onDuplicate ?? 'error',
    maskErrorDetails: options.maskErrorDetails ?? true,
    logger,
    health: options.health,
    ready: options.ready,
  }
}

function authenticatorOf<Auth>(
  { name, auth: scheme, ...options }: FastMCPOptions<Auth>,
  logger: Logger,
): Authenticator | undefined {
  if (scheme !== undefined && options.authenticate !== undefined)
    throw new TypeError(`Server '${name}' has both auth and authenticate: give one of them`)
  const { authenticate, principal } = scheme ?? options
  if (authenticate === undefined) return undefined
  return new Authenticator(
    {
      authenticate,
      principal: principal as ((auth: unknown) => string) | undefined,
      scheme: scheme as AuthScheme | undefined,
    },
    logger,
  )
}

function definedIn<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}

function checkPositive(option: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0))
    throw new TypeError(`${option} must be a number above 0, not ${value}`)
}
