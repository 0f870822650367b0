import type { OAuthClientProvider } from '@modelcontextprotocol/client'
import { UnauthorizedError } from '../../errors.js'
import type { Fetch } from './http-client.js'

/** The parameters with which an authorization server sends the user back. */
export interface AuthorizationResponse {
  readonly code: string
  /** The issuer of the code (RFC 9207). */
  readonly iss?: string | undefined
}

/**
 * The official SDK's source of tokens. With `authorizationResponse`, which returns the parameters that the user came
 * back with after `redirectToAuthorization`, `client.finishAuth` is not needed.
 */
export type AuthProvider = OAuthClientProvider & {
  authorizationResponse?(): Promise<AuthorizationResponse>
}

/** How many times one request may be sent with more scopes. */
const MAX_ATTEMPTS = 3

/**
 * Obtains and refreshes the access token for one server (2026-07-28, basic/authorization), through the OAuth client of
 * the official SDK, which is loaded when a server first refuses a request.
 */
export class OAuth {
  readonly #auth: string | AuthProvider
  readonly #fetch: Fetch
  /** Of many requests that are refused at once, one obtains the token. */
  #pending: Promise<boolean> | undefined

  constructor(auth: string | AuthProvider, fetch: Fetch) {
    this.#auth = auth
    this.#fetch = fetch
  }

  async token(): Promise<string | undefined> {
    if (typeof this.#auth === 'string') return this.#auth
    const tokens = await this.#auth.tokens()
    return tokens?.access_token
  }

  /** Whether another token may satisfy a server that refused a request for the `attempt`th time, the first being 1. */
  canHandle(status: number, challenge: string, attempt: number): boolean {
    if (typeof this.#auth === 'string') return false
    if (status === 401) return attempt === 1
    return attempt <= MAX_ATTEMPTS && /error="?insufficient_scope/i.test(challenge)
  }

  /**
   * Obtains a token that satisfies the challenge of a refused request. Returns whether there is one.
   * @throws UnauthorizedError where the user has to authorize first, or a token cannot be obtained.
   */
  handleChallenge(url: URL, status: number, challenge: string): Promise<boolean> {
    const provider = this.#auth
    if (typeof provider === 'string') return Promise.resolve(false)
    this.#pending ??= this.#authorize(provider, url, status, challenge).finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  /** Continues after the authorization server has sent the user back. */
  async finish(url: URL, response: AuthorizationResponse): Promise<void> {
    const provider = this.#auth
    if (typeof provider === 'string') throw new TypeError('A token needs no authorization code')
    const { auth } = await import('@modelcontextprotocol/client')
    await auth(provider, { serverUrl: url, fetchFn: this.#fetch, ...codeOf(response) })
  }

  async #authorize(provider: AuthProvider, url: URL, status: number, challenge: string): Promise<boolean> {
    const { auth, extractWWWAuthenticateParams, computeScopeUnion } =
      await import('@modelcontextprotocol/client')
    const response = new Response(null, { status, headers: { 'www-authenticate': challenge } })
    const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response)
    const held = status === 403 ? (await provider.tokens())?.scope : undefined
    const wanted = status === 403 ? computeScopeUnion(held, scope) : scope
    const options = {
      serverUrl: url,
      fetchFn: this.#fetch,
      ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
      ...(wanted !== undefined && { scope: wanted }),
      ...(status === 403 && { forceReauthorization: true }),
    }
    const result = await auth(provider, options)
    if (result === 'AUTHORIZED') return true
    const answer = await provider.authorizationResponse?.()
    if (answer === undefined)
      throw new UnauthorizedError('The user has to authorize this first; then call finishAuth with the code')
    return (await auth(provider, { ...options, ...codeOf(answer) })) === 'AUTHORIZED'
  }
}

function codeOf({ code, iss }: AuthorizationResponse) {
  return { authorizationCode: code, ...(iss !== undefined && { iss }) }
}
