/** A real authorization server, for trying things out: whoever comes is logged in and agrees to everything. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { REDIRECT } from './scripted-user.js'

export interface AuthorizationServer {
  readonly issuer: string
  readonly provider: Provider
  close(): Promise<void>
}

/** Issues tokens as JWTs for any resource that is asked for. */
export async function startAuthorizationServer(scopes: readonly string[]): Promise<AuthorizationServer> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    scopes: ['openid', 'offline_access', ...scopes],
    clients: [{ client_id: 'scripted', redirect_uris: [REDIRECT], grant_types: ['authorization_code'] }],
    clientDefaults: { token_endpoint_auth_method: 'none' },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: scopes.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    interactions: { url: (_context, { uid }) => `/agree/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  })
  const answer = provider.callback()
  http.on('request', (request, response) => {
    if (request.url?.startsWith('/agree/') !== true) {
      void answer(request, response)
      return
    }
    void agree(provider, request, response)
  })
  return {
    issuer,
    provider,
    close: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

type Interaction = Parameters<Provider['interactionDetails']>

async function agree(provider: Provider, request: Interaction[0], response: Interaction[1]): Promise<void> {
  const { params, prompt } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: 'ann' } })
    return
  }
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details as Missing
  const grant = new provider.Grant({ accountId: 'ann', clientId: String(params['client_id']) })
  if (missingOIDCScope.length > 0) grant.addOIDCScope(missingOIDCScope.join(' '))
  for (const [resource, scopes] of Object.entries(missingResourceScopes))
    grant.addResourceScope(resource, scopes.join(' '))
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

/** What has not been agreed to yet. */
interface Missing {
  readonly missingOIDCScope?: readonly string[]
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>
}
