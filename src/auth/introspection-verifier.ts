import { safeUrl, scopesIn, textIn, type TokenVerifier, type VerifiedToken } from './verified-token.js'

export interface IntrospectionVerifierOptions {
  /** The introspection endpoint of the authorization server. */
  readonly url: string | URL
  /** What this server shows there. */
  readonly clientId: string
  readonly clientSecret: string
  /** How it shows that. Default: `basic`. */
  readonly clientAuth?: 'basic' | 'post' | undefined
  /** Who issues the tokens: shown to clients that have none. */
  readonly issuer?: string | undefined
  /** The `aud` that a token must have, or one of several. Left out, the authorization server is trusted to know which are for this one. */
  readonly audience?: string | readonly string[] | undefined
  /** How long an answer may take, in milliseconds. Default: 5000. */
  readonly timeoutMs?: number | undefined
  /** Default: that of the runtime. */
  readonly fetch?: typeof fetch | undefined
}

/** Have the authorization server say what a token is, each time (RFC 7662): one that is revoked there is refused here at once. */
export function introspectionVerifier(options: IntrospectionVerifierOptions): TokenVerifier {
  const { clientId, clientSecret, clientAuth = 'basic', issuer, timeoutMs = 5000 } = options
  const url = safeUrl('url', options.url)
  const audiences = options.audience === undefined ? undefined : [options.audience].flat()
  const send = options.fetch ?? ((address: URL, init: RequestInit) => fetch(address, init))
  const verify = async (token: string): Promise<VerifiedToken | undefined> => {
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' })
    const headers = new Headers({ accept: 'application/json' })
    if (clientAuth === 'basic') headers.set('authorization', basic(clientId, clientSecret))
    else {
      body.set('client_id', clientId)
      body.set('client_secret', clientSecret)
    }
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await send(url, { method: 'POST', headers, body, redirect: 'error', signal })
    if (!response.ok) throw new Error(`The introspection endpoint answered with ${response.status}`)
    const claims = (await response.json()) as Record<string, unknown>
    if (claims['active'] !== true) return undefined
    if (issuer !== undefined && claims['iss'] !== undefined && claims['iss'] !== issuer) return undefined
    if (audiences !== undefined && ![claims['aud']].flat().some((one) => audiences.includes(one as string)))
      return undefined
    return readClaims(claims)
  }
  return Object.assign(verify, { issuer })
}

/** RFC 6749, 2.3.1: both parts are form-encoded first. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}`
}

function readClaims(claims: Record<string, unknown>): VerifiedToken {
  const { sub, client_id: clientId, iss, exp, scope } = claims
  return {
    subject: textIn(sub),
    clientId: textIn(clientId),
    issuer: textIn(iss),
    scopes: scopesIn(scope),
    expiresAt: typeof exp === 'number' ? exp : undefined,
    claims,
  }
}
