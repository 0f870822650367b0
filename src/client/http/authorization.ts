import type { OAuthClientProvider } from '@modelcontextprotocol/client'
import { UnauthorizedError } from '../../errors.js'
import type { Fetch, HttpAnswer } from './http-client.js'

/** What an authorization server sends the user back with. */
export interface AuthorizationResponse {
  readonly code: string
  /** Who sent it (RFC 9207). */
  readonly iss?: string | undefined
}

/**
 * Where tokens come from, in the words of the official SDK. `authorizationResponse` saves the
 * detour over `client.finishAuth`: after `redirectToAuthorization` it gives what came back.
 */
export type AuthProvider = OAuthClientProvider & {
  authorizationResponse?(): Promise<AuthorizationResponse>
}

/** How often a server may want another token for one request. */
const MAX_ATTEMPTS = 3

/** What a client shows a server that asks who it is (2026-07-28, basic/authorization): a token it has, or gets through OAuth. */
export class Authorization {
  readonly #auth: string | AuthProvider
  readonly #fetch: Fetch | undefined
  /** One at a time: of many requests that are refused at once, one gets the token. */
  #work: Promise<boolean> | undefined

  constructor(auth: string | AuthProvider, fetch: Fetch | undefined) {
    this.#auth = auth
    this.#fetch = fetch
  }

  async token(): Promise<string | undefined> {
    if (typeof this.#auth === 'string') return this.#auth
    const tokens = await this.#auth.tokens()
    return tokens?.access_token
  }

  /**
   * Get a token that satisfies a server which refused the last one. Gives whether it is worth asking again.
   * @throws UnauthorizedError where the user has to do something first, or it cannot be had.
   */
  satisfy(refused: HttpAnswer, url: URL, attempt: number): Promise<boolean> {
    const { status } = refused
    const challenge = refused.header('www-authenticate') ?? ''
    const wantsScope = status === 403 && /error="?insufficient_scope/i.test(challenge)
    const provider = this.#auth
    if (typeof provider === 'string' || attempt > MAX_ATTEMPTS || (status === 403 && !wantsScope))
      return Promise.resolve(false)
    if (status === 401 && attempt > 1) return Promise.resolve(false)
    refused.discard()
    this.#work ??= this.#authorize(provider, url, status, challenge).finally(() => {
      this.#work = undefined
    })
    return this.#work
  }

  /** Go on after the user has been sent to the authorization server and back. */
  async finish(url: URL, response: AuthorizationResponse): Promise<void> {
    const provider = this.#auth
    if (typeof provider === 'string') throw new TypeError('A token needs no authorization code')
    const { auth } = await import('@modelcontextprotocol/client')
    await auth(provider, { serverUrl: url, ...this.#fetching, ...answerOf(response) })
  }

  get #fetching(): { fetchFn?: Fetch } {
    return this.#fetch === undefined ? {} : { fetchFn: this.#fetch }
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
      ...this.#fetching,
      ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
      ...(wanted !== undefined && { scope: wanted }),
      ...(status === 403 && { forceReauthorization: true }),
    }
    const result = await auth(provider, options)
    if (result === 'AUTHORIZED') return true
    const answer = await provider.authorizationResponse?.()
    if (answer === undefined)
      throw new UnauthorizedError('The user has to authorize this first; then call finishAuth with the code')
    return (await auth(provider, { ...options, ...answerOf(answer) })) === 'AUTHORIZED'
  }
}

function answerOf({ code, iss }: AuthorizationResponse) {
  return { authorizationCode: code, ...(iss !== undefined && { iss }) }
}
