import type { Logger } from '../runtime/logger.js'
import type { AuthScheme } from './auth-scheme.js'
import type { TransportName } from './client-session.js'
import { principalOf } from './principal.js'
import type { Credentials } from './sinks.js'

/** Headers by their lower-case names: `headers['x-api-key']`, or `headers.get('X-API-Key')`. */
export type RequestHeaders = Readonly<Record<string, string | undefined>> & {
  get(name: string): string | null
}

/** What `authenticate` is given: all that is known of a request before anything is read of its body. */
export interface AuthRequest {
  /** All of them, those that carry secrets included; none where there is no HTTP. */
  readonly headers: RequestHeaders
  /** `httpStream` and `sse` ask for every request, others once, as they begin. */
  readonly transport: TransportName
  /** The HTTP method. */
  readonly method: string | undefined
  /** The path that was asked for, and the query. */
  readonly url: string | undefined
}

/** Says who sent a request. Throwing refuses it: a `Response` is passed on, anything else is 401, as is giving nothing. */
export type Authenticate<Auth> = (
  request: AuthRequest,
) => Auth | null | undefined | Promise<Auth | null | undefined>

export interface AuthenticatorOptions {
  readonly authenticate: Authenticate<unknown>
  /** Tells callers apart. */
  readonly principal?: ((auth: unknown) => string) | undefined
  readonly scheme?: AuthScheme | undefined
}

/** How long it may take to find out who asks, in milliseconds. */
const TIMEOUT_MS = 10_000

/** A request is refused: nobody knows who sent it, or it is known too well. */
export class RefusedError extends Error {
  readonly status: number
  /** What the user wants to be answered. */
  readonly response: Response | undefined

  constructor(
    message: string,
    status: number,
    { response, cause }: { readonly response?: Response; readonly cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.status = status
    this.response = response
  }
}

/** Finds out who sends requests. */
export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #logger: Logger

  constructor(options: AuthenticatorOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
  }

  /** Who sent a request; a promise only where that takes time. @throws RefusedError */
  check(request: AuthRequest): Credentials | Promise<Credentials> {
    let given: unknown
    try {
      given = this.#options.authenticate(request)
    } catch (error) {
      throw this.#refusal(error)
    }
    if (!isPromiseLike(given)) return this.#credentials(given)
    const refuse = (error: unknown): never => {
      throw this.#refusal(error)
    }
    return this.#inTime(Promise.resolve(given))
      .catch(refuse)
      .then((auth) => this.#credentials(auth))
  }

  /** Who is on the other end of a connection that has nothing like headers. @throws RefusedError */
  async once(transport: TransportName): Promise<Credentials> {
    const request = { headers: requestHeaders({}), transport, method: undefined, url: undefined }
    try {
      return await this.check(request)
    } catch (error) {
      throw error instanceof RefusedError
        ? new RefusedError(`authenticate does not let in who connects over ${transport}`, error.status)
        : error
    }
  }

  #credentials(auth: unknown): Credentials {
    if (auth instanceof Response) throw this.#refusal(auth)
    if (!auth || (auth as { authenticated?: unknown }).authenticated === false)
      throw new RefusedError('Unauthorized', 401)
    return { auth, principal: this.#principal(auth), scheme: this.#options.scheme }
  }

  #principal(auth: unknown): string {
    const { principal = principalOf } = this.#options
    try {
      const given: unknown = principal(auth)
      if (typeof given === 'string' && given !== '') return given
      if (isPromiseLike(given)) Promise.resolve(given).catch(() => undefined)
      throw new TypeError('principal must give a text')
    } catch (error) {
      this.#logger.error('It cannot be said whose session it is: see the option principal', error)
      throw new RefusedError('Internal error', 500)
    }
  }

  #refusal(error: unknown): RefusedError {
    if (error instanceof RefusedError) {
      this.#logger.error(error.message, error.cause)
      return error
    }
    if (error instanceof Response) return new RefusedError('Refused', error.status, { response: error })
    this.#logger.warn('authenticate failed, and so refused a request', error)
    return new RefusedError('Unauthorized', 401)
  }

  #inTime(given: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new RefusedError('It could not be found out in time who asks', 503))
      }, TIMEOUT_MS)
      const settle = (): void => {
        clearTimeout(timer)
      }
      given.then(resolve, reject).then(settle, settle)
    })
  }
}

/** Headers as `authenticate` gets them. A header called `get` is not one of them. */
export function requestHeaders(headers: Readonly<Record<string, string>>): RequestHeaders {
  const known = Object.assign(Object.create(null) as Record<string, unknown>, headers)
  delete known['get']
  const get = (name: string): string | null =>
    (Object.hasOwn(headers, name.toLowerCase()) ? headers[name.toLowerCase()] : undefined) ?? null
  return Object.defineProperty(known, 'get', { value: get }) as unknown as RequestHeaders
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
