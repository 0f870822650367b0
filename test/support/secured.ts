/** A server that wants to know who asks, and what is for all there and what for some. */
import { FastMCP, type AuthRequest, type FastMCPOptions } from 'fastmesh'
import { z } from 'zod'
import { recordingLogger } from './recording.js'

export interface User {
  readonly id: string
  readonly permissions: readonly string[]
}

export const keyed = (key: string) => ({ headers: { 'x-api-key': key } })

/** A server for those whose key it knows. */
export function secured(options: Partial<FastMCPOptions<User>> = {}) {
  const users = new Map<string, User>([
    ['ann', { id: 'ann', permissions: ['admin'] }],
    ['bob', { id: 'bob', permissions: [] }],
  ])
  const seen: AuthRequest[] = []
  const { logger, lines } = recordingLogger()
  const server = new FastMCP<User>({
    name: 'secured',
    version: '1.0.0',
    logger,
    authenticate: (request) => {
      seen.push(request)
      const user = users.get(request.headers['x-api-key'] ?? '')
      if (user === undefined)
        throw new Response('{"no":"key"}', { status: 401, headers: { 'x-why': 'no key' } })
      return user
    },
    ...options,
  })
  return { server, users, seen, lines }
}

const isAdmin = ({ permissions }: User) => permissions.includes('admin')

/** What is for all, and what is for some. */
export function withComponents(server: FastMCP<User>): FastMCP<User> {
  server
    .addTool({ name: 'who', execute: (_args, { session }) => `Hello, ${session.id}` })
    .addTool({ name: 'secret', canAccess: isAdmin, execute: () => 'the secret' })
    .addTool({
      name: 'asks',
      parameters: z.object({ tool: z.string() }),
      execute: async ({ tool }, { callTool }) => callTool(tool),
    })
    .addResource({ uri: 'note://open', name: 'open', load: ({ session }) => session.id })
    .addResource({ uri: 'note://secret', name: 'secret', canAccess: isAdmin, load: () => 'secret' })
    .addResourceTemplate({
      uriTemplate: 'files://{name}',
      name: 'files',
      canAccess: isAdmin,
      arguments: [{ name: 'name', complete: () => ['one', 'two'] }],
      load: ({ name }, { session }) => `${name} for ${session.id}`,
    })
    .addPrompt({
      name: 'secret',
      canAccess: isAdmin,
      arguments: [{ name: 'what', complete: () => ['this'] }],
      load: () => 'secret',
    })
  return server
}

export const post = (url: string, headers: Record<string, string> = {}, body: unknown = INITIALIZE) =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  })

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
export const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' }

/** The headers of a session that is opened with others. */
export const sessionOf = async (url: string, headers: Record<string, string>) => ({
  ...headers,
  'mcp-session-id': (await post(url, headers, INITIALIZE)).headers.get('mcp-session-id') ?? '',
})
