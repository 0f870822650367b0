import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose'
import {
  InvalidTokenError,
  safeUrl,
  scopesIn,
  textIn,
  type TokenVerifier,
  type VerifiedToken,
} from './verified-token.js'

export interface JwtVerifierOptions {
  /** Where the issuer publishes its keys. They are kept for ten minutes, and asked for anew when a token names another. */
  readonly jwksUri?: string | URL | undefined
  /** The keys themselves, instead of where they are. */
  readonly keys?: JSONWebKeySet | undefined
  /** What issuer and verifier share, at least 32 bytes, instead of keys: for HS256, HS384 and HS512. */
  readonly secret?: string | Uint8Array | undefined
  /** The `iss` that a token must have. */
  readonly issuer: string
  /** The `aud` that a token must have, or one of several: this server, so that tokens for others are no good here (RFC 8707). */
  readonly audience: string | readonly string[]
  /** Which signatures are taken. Default: all that take a pair of keys; with a `secret` HS256. */
  readonly algorithms?: readonly string[] | undefined
  /** By how much clocks may differ, in seconds. Default: 5. */
  readonly clockSkewSeconds?: number | undefined
}

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const SYMMETRIC = ['HS256', 'HS384', 'HS512']

/** Failures that say something of the token; any other is one to find out. */
const OF_THE_TOKEN = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]

/**
 * Verify signed tokens (RFC 9068): signature, issuer, audience, and that it is their time. A
 * token without `exp` is refused.
 * @throws TypeError for options that would let in anybody.
 */
export function jwtVerifier(options: JwtVerifierOptions): TokenVerifier {
  const { issuer, audience, clockSkewSeconds = 5, secret } = options
  const audiences = [audience].flat()
  if (typeof issuer !== 'string' || issuer === '') throw new TypeError('jwtVerifier needs an issuer')
  if (audiences.length === 0 || audiences.some((one) => typeof one !== 'string' || one === ''))
    throw new TypeError('jwtVerifier needs an audience: the address of this server')
  const allowed = secret === undefined ? ASYMMETRIC : SYMMETRIC
  const { algorithms = secret === undefined ? ASYMMETRIC : ['HS256'] } = options
  for (const algorithm of algorithms)
    if (!allowed.includes(algorithm))
      throw new TypeError(`jwtVerifier cannot take ${algorithm}: ${allowed.join(', ')} can be`)
  const key = keyOf(options)
  const checks = {
    issuer,
    audience: audiences,
    algorithms: [...algorithms],
    clockTolerance: clockSkewSeconds,
    requiredClaims: ['exp'],
  }
  const verify = async (token: string): Promise<VerifiedToken> => {
    try {
      const { payload } = await jwtVerify(token, key as JWTVerifyGetKey, checks)
      return readClaims(payload)
    } catch (error) {
      if (OF_THE_TOKEN.some((kind) => error instanceof kind))
        throw new InvalidTokenError('The access token is invalid or has expired', { cause: error })
      throw error
    }
  }
  return Object.assign(verify, { issuer })
}

function keyOf({ jwksUri, keys, secret }: JwtVerifierOptions): JWTVerifyGetKey | Uint8Array {
  if ([jwksUri, keys, secret].filter((source) => source !== undefined).length !== 1)
    throw new TypeError('jwtVerifier needs one of jwksUri, keys and secret')
  if (jwksUri !== undefined) return createRemoteJWKSet(safeUrl('jwksUri', jwksUri))
  if (keys !== undefined) return createLocalJWKSet(keys)
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : (secret as Uint8Array)
  if (bytes.length < 32) throw new TypeError('A secret for jwtVerifier must have at least 32 bytes')
  return bytes
}

function readClaims(claims: JWTPayload): VerifiedToken {
  return {
    subject: claims.sub,
    clientId: textIn(claims['client_id']) ?? textIn(claims['azp']),
    issuer: claims.iss,
    scopes: scopesIn(claims['scope'], claims['scp']),
    expiresAt: claims.exp,
    claims,
  }
}
