/** Requests of extensions: passed on where both sides have agreed on them, and nowhere else. */
import { Client as OfficialClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FastMCP, type EraName } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { ScriptedUpstream, speaking2026, type Script } from '../support/scripted-upstream.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))
const EXTENSIONS = { 'com.example/search': { fast: true }, 'io.modelcontextprotocol/tasks': {} }

/** A server that answers `search/query` and `tasks/get`, and keeps who asked. */
async function searching(era: EraName): Promise<ScriptedUpstream> {
  const capabilities = { tools: {}, extensions: EXTENSIONS, tasks: {} }
  const script: Script = ({ method, params, headers }, response) => {
    if (method === 'initialize') {
      upstream.sessions.add('searching')
      response.setHeader('mcp-session-id', 'searching')
      return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'searching', version: '1' } }
    }
    if (method === 'server/discover') return { supportedVersions: ['2026-07-28'], capabilities }
    if (method === 'search/query' || method === 'tasks/get')
      return { resultType: 'complete', found: params['text'], by: headers['x-by'] }
    return undefined
  }
  const upstream = await ScriptedUpstream.start(era === '2026-07-28' ? speaking2026(script) : script)
  if (era === '2026-07-28') upstream.script = script
  return upstream
}

const FOUND = z.looseObject({ found: z.string().optional(), by: z.string().optional() })

async function official(
  proxy: object,
  era: EraName,
  extensions: object = EXTENSIONS,
): Promise<OfficialClient> {
  const client = new OfficialClient(
    { name: 'x', version: '1' },
    {
      capabilities: { extensions } as never,
      versionNegotiation: { mode: era === '2025-11-25' ? 'legacy' : { pin: era } },
      enforceStrictCapabilities: false,
    },
  )
  await client.connect(new StreamableHTTPClientTransport(new URL(await serve(proxy as FastMCP))))
  onCleanup(() => client.close())
  return client
}

const query = (client: OfficialClient, method = 'search/query') =>
  client.request({ method, params: { text: 'tea' } } as never, FOUND as never)

describe.each(pairs)('a client of $front before a server of $behind', ({ front, behind }) => {
  const headers = (): Record<string, string> => ({ 'x-by': 'the proxy' })

  test('› is offered the extensions of the server, tasks excepted', async () => {
    const { url } = await searching(behind)
    const client = await official(FastMCP.asProxy(url, { era: behind }), front)
    expect(client.getServerCapabilities()).toMatchObject({
      extensions: { 'com.example/search': { fast: true } },
    })
    expect(client.getServerCapabilities()).not.toHaveProperty('tasks')
    expect(Object.keys(client.getServerCapabilities()?.extensions ?? {})).toEqual(['com.example/search'])
  })

  test('› gets the result of a method of an extension, which was asked for with its headers', async () => {
    const { url } = await searching(behind)
    const client = await official(FastMCP.asProxy(url, { era: behind, headers }), front)
    expect(await query(client)).toMatchObject({ found: 'tea', by: 'the proxy' })
  })

  test.each<[string, (url: string) => object, string, object]>([
    ['an extension that the client has not', (url) => FastMCP.asProxy(url), 'search/query', {}],
    [
      'an extension that the server has not',
      (url) => FastMCP.asProxy(url),
      'other/query',
      { 'com.example/other': {} },
    ],
    ['tasks', (url) => FastMCP.asProxy(url), 'tasks/get', EXTENSIONS],
    ['a method without an extension', (url) => FastMCP.asProxy(url), 'query', EXTENSIONS],
    [
      'a server with keys',
      (url) => FastMCP.asProxy(url, { authenticate: () => ({ id: 'anybody' }) }),
      'search/query',
      EXTENSIONS,
    ],
    [
      'a server with a tool filter',
      (url) => FastMCP.asProxy(url).disable({ names: ['it'] }),
      'search/query',
      EXTENSIONS,
    ],
    [
      'a server with canAccess',
      (url) => FastMCP.asProxy(url).addTool({ name: 'own', canAccess: () => true, execute: () => '' }),
      'search/query',
      EXTENSIONS,
    ],
    [
      'a server with middleware',
      (url) => FastMCP.asProxy(url).use((_run, next) => next()),
      'search/query',
      EXTENSIONS,
    ],
    ['a composite', (url) => FastMCP.asProxy({ mcpServers: { a: { url } } }), 'search/query', EXTENSIONS],
    [
      'a server that mounts the proxy',
      (url) => new FastMCP({ name: 'main', version: '1.0.0' }).mount(FastMCP.asProxy(url)),
      'search/query',
      EXTENSIONS,
    ],
  ])('› gets -32601 of %s', async (_name, make, method, extensions) => {
    const upstream = await searching(behind)
    const client = await official(make(upstream.url), front, extensions)
    const error: unknown = await query(client, method).catch((failure: unknown) => failure)
    // From 2026-07-28 on the HTTP status says so as well, which the client reports instead.
    const { code } = error as { code: unknown }
    if (front === '2025-11-25') expect(code).toBe(-32601)
    else expect(`${code as string} ${String(error)}`).toContain('-32601')
    expect(upstream.count(method)).toBe(0)
  })
})
