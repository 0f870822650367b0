/** What a token says of who presents it. */
export interface VerifiedToken {
  /** For whom it was issued: the user, or the client itself. Unique within its issuer. */
  readonly subject?: string | undefined
  /** The OAuth client that presents it. */
  readonly clientId?: string | undefined
  readonly issuer?: string | undefined
  /** What has been granted. */
  readonly scopes: readonly string[]
  /** When it ends, in seconds since 1970. */
  readonly expiresAt?: number | undefined
  /** All that it says. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Gives what a token says, or nothing for one that is not good here. What it throws is a failure to find out (503), unless it is an `InvalidTokenError`. */
export interface TokenVerifier {
  (token: string): VerifiedToken | undefined | Promise<VerifiedToken | undefined>
  /** Who issues the tokens, if that is one. */
  readonly issuer?: string | undefined
}

/** A token is not good here. The message goes to the client. */
export class InvalidTokenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InvalidTokenError'
  }
}

/** The scopes of a claim as issuers write it: a text with spaces (RFC 9068, 2.2.3), or a list. */
export function scopesIn(...claims: readonly unknown[]): readonly string[] {
  const scopes = claims.flatMap((claim) =>
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? (claim as unknown[]) : [],
  )
  return [...new Set(scopes.filter((scope): scope is string => typeof scope === 'string' && scope !== ''))]
}

/** A claim that is a text. */
export function textIn(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

/** @throws TypeError for an address that a stranger could speak for. */
export function safeUrl(what: string, address: string | URL): URL {
  const url = new URL(address)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:'))
    throw new TypeError(`${what} must be an https address, not ${url.href}`)
  return url
}
