/** An OAuth 2.1 resource server: a client finds out where to get a token, gets one, and later one that may do more. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, FastMCP } from 'fastmesh'
import { bearerAuth, jwtVerifier, type BearerSession } from 'fastmesh/auth'
import { startAuthorizationServer } from './oauth/authorization-server.js'
import { scriptedUser } from './oauth/scripted-user.js'

const authorization = await startAuthorizationServer(['notes:read', 'notes:write'])
const { issuer } = authorization
const port = await freePort()
const resource = `http://127.0.0.1:${port}/mcp`

const server = new FastMCP<BearerSession>({
  name: 'Notes',
  version: '1.0.0',
  auth: bearerAuth({
    verify: jwtVerifier({ jwksUri: `${issuer}/jwks`, issuer, audience: resource }),
    resource,
    requiredScopes: ['notes:read'],
    scopeHierarchy: { 'notes:admin': ['notes:write'], 'notes:write': ['notes:read'] },
    scopesSupported: ['notes:read', 'notes:write'],
  }),
})
  .addTool({
    name: 'whoAmI',
    execute: (_args, { session }) => `${session.subject} may ${session.scopes.join(', ')}`,
  })
  .addTool({ name: 'write', requiredScopes: ['notes:write'], execute: () => 'written' })

await server.start({ httpStream: { port, host: '127.0.0.1' } })

const user = scriptedUser('scripted')
const client = await Client.connect(resource, { auth: user })
assert.equal((await client.callTool('whoAmI')).data, 'ann may notes:read')
assert.equal(user.visits.length, 1)

// What needs more asks for more, and the client comes back with it by itself.
assert.equal((await client.callTool('write')).data, 'written')
assert.equal(user.visits.length, 2)
assert.equal((await client.callTool('whoAmI')).data, 'ann may notes:read, notes:write')

await client.close()
await server.stop()
await authorization.close()

async function freePort(): Promise<number> {
  const listening = createServer()
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port: free } = listening.address() as AddressInfo
  await new Promise((resolve) => listening.close(resolve))
  return free
}
