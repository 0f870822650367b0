/**
 * What the official conformance suite has a client do, for the scenario that
 * `MCP_CONFORMANCE_SCENARIO` names, against the server whose URL is the argument.
 */
import {
  ClientCredentialsProvider,
  CrossAppAccessProvider,
  PrivateKeyJwtProvider,
  requestJwtAuthorizationGrant,
  type OAuthClientMetadata,
} from '@modelcontextprotocol/client'
import {
  Client,
  type AuthorizationResponse,
  type AuthProvider,
  type ClientOptions,
  type EraName,
} from 'fastmesh'

const url = process.argv[2] ?? ''
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const version = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION']
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Record<string, string> & {
  toolCalls?: { name: string; arguments: Record<string, unknown> }[]
}
const era: EraName | undefined =
  version === undefined ? undefined : version >= '2026-07-28' ? '2026-07-28' : '2025-11-25'

/** An OAuth client without a browser: it follows the redirect itself, and reads the code off the next. */
class BrowserlessProvider {
  readonly redirectUrl = 'http://localhost:3030/callback'
  readonly clientMetadataUrl = 'https://conformance-test.local/client-metadata.json'
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'fastmesh-everything-client',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
  #client: unknown
  #tokens: unknown
  #verifier = ''
  #response: AuthorizationResponse | undefined

  constructor(client?: object) {
    this.#client = client
  }

  clientInformation = (): never => this.#client as never
  saveClientInformation = (client: unknown): void => void (this.#client = client)
  tokens = (): never => this.#tokens as never
  saveTokens = (tokens: unknown): void => void (this.#tokens = tokens)
  codeVerifier = (): string => this.#verifier
  saveCodeVerifier = (verifier: string): void => void (this.#verifier = verifier)

  invalidateCredentials = (scope: string): void => {
    if (scope === 'all' || scope === 'client') this.#client = undefined
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined
  }

  redirectToAuthorization = async (authorization: URL): Promise<void> => {
    const answer = await fetch(authorization, { redirect: 'manual' })
    const { searchParams } = new URL(answer.headers.get('location') ?? '')
    const [code, iss] = [searchParams.get('code'), searchParams.get('iss')]
    if (code === null) throw new Error('There is no code in the redirect')
    this.#response = { code, ...(iss !== null && { iss }) }
  }

  authorizationResponse = async (): Promise<AuthorizationResponse> => this.#response!
}

function providerFor(): AuthProvider | undefined {
  const { client_id: clientId = '', client_secret: clientSecret = '' } = context
  if (scenario === 'auth/client-credentials-basic')
    return new ClientCredentialsProvider({ clientId, clientSecret })
  if (scenario === 'auth/client-credentials-jwt') {
    const { private_key_pem: privateKey = '', signing_algorithm: algorithm = 'ES256' } = context
    return new PrivateKeyJwtProvider({ clientId, privateKey, algorithm })
  }
  if (scenario === 'auth/enterprise-managed-authorization')
    return new CrossAppAccessProvider({ clientId, clientSecret, assertion: crossAppAssertion })
  if (!scenario.startsWith('auth/')) return undefined
  const isRegistered = scenario === 'auth/pre-registration'
  return new BrowserlessProvider(
    isRegistered ? { client_id: clientId, client_secret: clientSecret } : undefined,
  )
}

async function crossAppAssertion(asked: {
  authorizationServerUrl: string | URL
  resourceUrl: string | URL
  scope?: string | undefined
}): Promise<string> {
  const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
    tokenEndpoint: context['idp_token_endpoint'] ?? '',
    audience: String(asked.authorizationServerUrl),
    resource: String(asked.resourceUrl),
    idToken: context['idp_id_token'] ?? '',
    clientId: context['idp_client_id'] ?? '',
    ...(asked.scope !== undefined && { scope: asked.scope }),
  })
  return jwtAuthGrant
}

type Run = (client: Client) => Promise<unknown>

const call = (client: Client, name: string, args: Record<string, unknown> = {}) =>
  client.callTool(name, args, { throwOnError: false })

async function callAll(client: Client): Promise<void> {
  await client.listTools()
  for (const { name, arguments: args } of context.toolCalls ?? []) await call(client, name, args)
}

const RUNS: Record<string, Run> = {
  tools_call: async (client) => {
    await client.listTools()
    await call(client, 'add_numbers', { a: 5, b: 3 })
  },
  'elicitation-sep1034-client-defaults': async (client) => {
    await client.listTools()
    await call(client, 'test_client_elicitation_defaults')
  },
  'sse-retry': async (client) => {
    await client.listTools()
    await call(client, 'test_reconnection')
  },
  'sep-2322-client-request-state': async (client) => {
    await client.listTools()
    for (const name of [
      'test_mrtr_echo_state',
      'test_mrtr_unrelated',
      'test_mrtr_no_state',
      'test_mrtr_no_result_type',
    ])
      await call(client, name)
  },
  'http-standard-headers': async (client) => {
    const [tool] = await client.listTools()
    const [resource] = await client.listResources()
    const [prompt] = await client.listPrompts()
    if (tool) await call(client, tool.name)
    if (resource) await client.readResource(resource.uri)
    if (prompt) await client.getPrompt(prompt.name)
  },
  'http-custom-headers': callAll,
  'http-invalid-tool-headers': async (client) => {
    for (const { name } of await client.listTools()) await call(client, name, { region: 'us-west1' })
  },
  'json-schema-2020-12-preservation': async (client) => {
    const tools = await client.listTools()
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
    await call(client, 'json_schema_echo', { schema })
  },
}

/** The scenarios whose client is to end with an error are told so by the suite, which then allows one. */
const usual: Run = async (client) => {
  const tools = await client.listTools()
  if (scenario.startsWith('auth/') && tools.length > 0) await call(client, tools[0]!.name)
}

const auth = providerFor()
const options: ClientOptions = {
  name: 'fastmesh-everything-client',
  version: '1.0.0',
  ...(era !== undefined && { era }),
  ...(auth !== undefined && { auth }),
  elicitation: () => ({ action: 'accept', content: {} }),
}
const client = await Client.connect(url, options)
try {
  await (RUNS[scenario] ?? usual)(client)
} finally {
  await client.close()
}
