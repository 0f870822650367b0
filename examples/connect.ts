/** How the examples reach their servers: the official client, in memory. */
import { Client, type ClientCapabilities, type Transport } from '@modelcontextprotocol/client'
import { inMemoryTransports, type FastMCP } from 'fastmesh'

export async function connect(
  server: Pick<FastMCP, 'connect'>,
  era: 'legacy' | 'auto' = 'auto',
  capabilities: ClientCapabilities = {},
): Promise<Client> {
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  const client = new Client(
    { name: 'example', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: era } },
  )
  await client.connect(clientSide as Transport)
  return client
}
