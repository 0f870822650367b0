import type { TokenVerifier, VerifiedToken } from './verified-token.js'

/** What a token that is written down is good for. */
export interface StaticToken {
  readonly clientId: string
  readonly subject?: string
  readonly scopes?: readonly string[]
}

/** Tokens that are written down, for development: whoever reads the source has them. */
export function staticTokens(tokens: Readonly<Record<string, StaticToken>>): TokenVerifier {
  const known = Promise.all(
    Object.entries(tokens).map(async ([token, says]): Promise<[string, VerifiedToken]> => {
      const { clientId, subject, scopes = [] } = says
      return [await digest(token), { clientId, subject, scopes, claims: {} }]
    }),
  ).then((entries) => new Map(entries))
  // Looked for by its digest, so that how long that takes says nothing of a token.
  return async (token) => (await known).get(await digest(token))
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
