/** A client without a browser: it goes itself where a browser would be sent, and keeps all in memory. */
import type { OAuthClientProvider } from '@modelcontextprotocol/client'
import type { AuthProvider } from 'fastmesh'

export const REDIRECT = 'http://127.0.0.1/callback'

/** `clientId`: as which client it is known already; else it registers itself. */
export function scriptedUser(clientId?: string): AuthProvider & { readonly visits: string[] } {
  let client: Awaited<ReturnType<OAuthClientProvider['clientInformation']>> =
    clientId === undefined ? undefined : { client_id: clientId }
  let tokens: Awaited<ReturnType<OAuthClientProvider['tokens']>>
  let verifier = ''
  let arrival: Promise<URL> | undefined
  const visits: string[] = []
  return {
    visits,
    redirectUrl: REDIRECT,
    clientMetadata: {
      client_name: 'scripted',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => client,
    saveClientInformation: (information) => {
      client = information
    },
    tokens: () => tokens,
    saveTokens: (given) => {
      tokens = given
    },
    saveCodeVerifier: (given) => {
      verifier = given
    },
    codeVerifier: () => verifier,
    redirectToAuthorization: (url) => {
      visits.push(url.href)
      arrival = follow(url)
      arrival.catch(() => undefined)
    },
    authorizationResponse: async () => {
      const arrived = await arrival
      const { code = '', iss } = Object.fromEntries(arrived?.searchParams ?? [])
      return { code, iss }
    },
  }
}

/** Go where one is sent, with cookies, until that is back at the client. */
async function follow(start: URL): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  for (let hop = 0; hop < 20 && !url.href.startsWith(REDIRECT); hop++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`Stuck at ${url.href}: ${await response.text()}`)
    url = new URL(location, url)
  }
  if (!url.searchParams.has('code')) throw new Error(`Not let in: ${url.search}`)
  return url
}
