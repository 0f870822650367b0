/** A server of the official SDK v1 over HTTP, made anew for each session. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onCleanup } from './clients.js'

/** Starts it, and returns its URL. */
export async function serveSessions(make: () => McpServer): Promise<string> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await make().connect(transport)
    return transport
  }
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const transport = sessions.get(String(request.headers['mcp-session-id'])) ?? (await open())
      await transport.handleRequest(request, response)
    }
    answer().catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(async () => {
    await Promise.all([...sessions.values()].map((transport) => transport.close()))
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}
