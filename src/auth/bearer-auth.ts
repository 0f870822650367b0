import type { AuthScheme } from '../sessions/auth-scheme.js'
import { RefusedError, type AuthRequest } from '../sessions/authenticator.js'
import { allOf, type ScopeHierarchy } from './scopes.js'
import { InvalidTokenError, safeUrl, type TokenVerifier, type VerifiedToken } from './verified-token.js'

export interface BearerAuthOptions {
  /** Says what a token is good for: `jwtVerifier`, `introspectionVerifier`, or a function. */
  readonly verify: TokenVerifier
  /** The address of the MCP endpoint as clients know it, which tokens have to be for. */
  readonly resource: string | URL
  /** Who issues tokens for it. Default: the issuer of `verify`. */
  readonly authorizationServers?: readonly string[] | undefined
  /** What every request needs. */
  readonly requiredScopes?: readonly string[] | undefined
  /** Which scopes hold others. */
  readonly scopeHierarchy?: ScopeHierarchy | undefined
  /** What clients may ask for. Default: `requiredScopes`. */
  readonly scopesSupported?: readonly string[] | undefined
  readonly resourceName?: string | undefined
  readonly resourceDocumentation?: string | undefined
}

/** Who presents a token: what handlers find as `context.session`. */
export interface BearerSession extends VerifiedToken {
  /** The token itself. It is for this server: do not pass it on (basic/authorization, Token Passthrough). */
  readonly token: string
}

/** The longest token that is looked at, in characters. */
const MAX_TOKEN_LENGTH = 16 * 1024

/** RFC 6750, 2.1; schemes are of any case. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Clients are not told to ask for it (2026-07-28, basic/authorization). */
const OFFLINE_ACCESS = 'offline_access'

type Problem = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/**
 * Make a server an OAuth 2.1 resource server (basic/authorization): requests carry a bearer
 * token in `Authorization`, and clients without one are told where to get one (RFC 9728).
 * @throws TypeError for options that cannot be meant.
 */
export function bearerAuth(options: BearerAuthOptions): AuthScheme<BearerSession> {
  const bearer = new BearerAuth(options)
  return {
    authenticate: (request) => bearer.authenticate(request),
    principal: principalOf,
    missingScopes: (session, required) => bearer.missingScopes(session, required),
    scopeChallenge: (session, required) => bearer.scopeChallenge(session, required),
    metadata: { paths: (endpoint) => bearer.paths(endpoint), document: bearer.document },
  }
}

class BearerAuth {
  readonly document: object
  readonly #verify: TokenVerifier
  readonly #required: readonly string[]
  readonly #hierarchy: ScopeHierarchy
  readonly #resource: URL
  readonly #metadataUrl: string

  constructor(options: BearerAuthOptions) {
    const { verify, requiredScopes = [], scopeHierarchy = {}, resourceName, resourceDocumentation } = options
    if (typeof verify !== 'function')
      throw new TypeError('bearerAuth needs verify, such as jwtVerifier({ … })')
    this.#verify = verify
    this.#required = requiredScopes
    this.#hierarchy = scopeHierarchy
    this.#resource = safeUrl('resource', options.resource)
    this.#metadataUrl = `${this.#resource.origin}${WELL_KNOWN}${suffixOf(this.#resource.pathname)}`
    const { authorizationServers = verify.issuer === undefined ? [] : [verify.issuer] } = options
    if (authorizationServers.length === 0)
      throw new TypeError('bearerAuth needs authorizationServers, so that clients know where to get a token')
    const { scopesSupported = requiredScopes } = options
    const scopes = scopesSupported.filter((scope) => scope !== OFFLINE_ACCESS)
    this.document = {
      resource: String(options.resource),
      authorization_servers: authorizationServers,
      bearer_methods_supported: ['header'],
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      ...(resourceName !== undefined && { resource_name: resourceName }),
      ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
    }
  }

  /** @throws Response 400, 401 or 403 with what a client has to come back with; RefusedError 503 where it cannot be found out. */
  async authenticate({ headers }: AuthRequest): Promise<BearerSession> {
    const { authorization } = headers
    if (authorization === undefined || !/^Bearer\b/i.test(authorization)) throw this.#refusal(401)
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined || token.length > MAX_TOKEN_LENGTH)
      throw this.#refusal(400, 'invalid_request', 'The Authorization header is malformed')
    const verified = await this.#verified(token)
    const isOver = verified?.expiresAt !== undefined && verified.expiresAt <= Date.now() / 1000 - SKEW_SECONDS
    if (verified === undefined || isOver)
      throw this.#refusal(401, 'invalid_token', 'The access token is invalid or has expired')
    const session = { ...verified, token }
    if (this.missingScopes(session, this.#required).length > 0)
      throw this.#refusal(403, 'insufficient_scope', 'More has to be granted', this.#required)
    return session
  }

  missingScopes({ scopes }: BearerSession, required: readonly string[]): readonly string[] {
    const all = allOf(scopes, this.#hierarchy)
    return required.filter((scope) => !all.has(scope))
  }

  /** All at once, with what there is already, so that a client needs to ask once. */
  scopeChallenge({ scopes }: BearerSession, required: readonly string[]): string {
    const all = [...new Set([...this.#required, ...scopes, ...required])]
    return this.#challenge('insufficient_scope', 'More has to be granted', all)
  }

  /** At the root, and behind it the path of the endpoint. */
  paths(endpoint: string): readonly string[] {
    const suffixes = ['', suffixOf(this.#resource.pathname), suffixOf(endpoint)]
    return [...new Set(suffixes.map((suffix) => WELL_KNOWN + suffix))]
  }

  async #verified(token: string): Promise<VerifiedToken | undefined> {
    try {
      return await this.#verify(token)
    } catch (error) {
      if (error instanceof InvalidTokenError) throw this.#refusal(401, 'invalid_token', error.message)
      throw new RefusedError('Tokens cannot be verified now: try again later', 503, { cause: error })
    }
  }

  #refusal(status: number, problem?: Problem, description?: string, scopes?: readonly string[]): Response {
    const challenge = this.#challenge(problem, description, scopes ?? this.#required)
    const body = { error: problem ?? 'unauthorized', error_description: description }
    return Response.json(body, { status, headers: { 'www-authenticate': challenge } })
  }

  #challenge(
    problem: Problem | undefined,
    description: string | undefined,
    scopes: readonly string[],
  ): string {
    const asked = scopes.filter((scope) => scope !== OFFLINE_ACCESS)
    const parts = [
      ...(problem === undefined ? [] : [`error="${problem}"`]),
      ...(description === undefined ? [] : [`error_description="${quotable(description)}"`]),
      ...(asked.length === 0 ? [] : [`scope="${asked.join(' ')}"`]),
      `resource_metadata="${this.#metadataUrl}"`,
    ]
    return `Bearer ${parts.join(', ')}`
  }
}

/** By how much the clock of whoever issued a token may be late, in seconds. */
const SKEW_SECONDS = 5

/** Subjects are unique within their issuer only, and one may use several clients. */
function principalOf({ issuer, clientId, subject, token }: BearerSession): string {
  // Where it is not said who that is, a client may have many users.
  return JSON.stringify(subject === undefined ? [token] : [issuer, clientId, subject])
}

function suffixOf(path: string): string {
  return path === '/' ? '' : path
}

/** What RFC 6750, 3 allows in a description. */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
