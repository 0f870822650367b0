/** A server that lists other tools to clients with other capabilities: each client sees, and calls, those for it. */
import { FastMCP, type EraName } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream, speaking2026, type Asked, type Script } from '../support/scripted-upstream.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const TOOLS = ['elicitation', 'sampling', 'roots'] as const

const HANDLERS = {
  elicitation: () => ({ action: 'accept', content: {} }),
  sampling: () => 'said',
  roots: ['file:///here'],
}

/** Lists `always`, and a tool for each capability that the client declares. */
async function varying(era: EraName): Promise<ScriptedUpstream> {
  const sessions = new Map<string, object>()
  const upstream = await ScriptedUpstream.start()
  const capabilitiesOf = ({ params, headers }: Asked): object =>
    era === '2026-07-28'
      ? ((params as { _meta?: Record<string, object> })._meta?.[CAPABILITIES] ?? {})
      : (sessions.get(String(headers['mcp-session-id'])) ?? {})
  const script: Script = (asked, response) => {
    const { method, params } = asked
    if (method === 'initialize') {
      const id = `varying-${sessions.size}`
      sessions.set(id, params['capabilities'] as object)
      upstream.sessions.add(id)
      response.setHeader('mcp-session-id', id)
      const serverInfo = { name: 'varying', version: '1' }
      return { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo }
    }
    if (method === 'tools/list') {
      const names = ['always', ...TOOLS.filter((name) => name in capabilitiesOf(asked))]
      return {
        resultType: 'complete',
        tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })),
      }
    }
    if (method !== 'tools/call') return undefined
    const declared = Object.keys(capabilitiesOf(asked)).sort().join()
    return { resultType: 'complete', content: [{ type: 'text', text: declared }] }
  }
  upstream.script = era === '2026-07-28' ? speaking2026(script) : script
  return upstream
}

const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

describe.each(pairs)('clients of $front before a server of $behind', ({ front, behind }) => {
  test.each([
    ['a proxy', (url: string) => FastMCP.asProxy(url, { era: behind }), ''],
    [
      'a mounted proxy',
      (url: string) =>
        new FastMCP({ name: 'main', version: '1.0.0' }).mount('m', FastMCP.asProxy(url, { era: behind })),
      'm_',
    ],
  ])('%s › each sees and calls the tools for its capabilities', async (_name, make, prefix) => {
    const url = await serve(make((await varying(behind)).url))
    const kinds = [{}, ...TOOLS.map((name) => ({ [name]: HANDLERS[name] })), HANDLERS]
    const clients = await Promise.all(kinds.map((handlers) => connected(url, { era: front, ...handlers })))
    for (const [at, client] of clients.entries()) {
      const names = TOOLS.filter((name) => name in (kinds[at] as object))
      const listed = (await client.listTools()).map(({ name }) => name)
      expect(listed).toEqual(['always', ...names].map((name) => `${prefix}${name}`))
      for (const name of names) {
        const { data } = await client.callTool(`${prefix}${name}`)
        expect(data).toBe([...names].sort().join())
      }
      const missing = TOOLS.filter((name) => !names.includes(name))
      // A proxy of one server has that server answer for what is not listed.
      if (prefix !== '')
        for (const name of missing)
          await expect(client.callTool(`${prefix}${name}`)).rejects.toThrow('Unknown tool')
    }
  })
})

/** One request of a client from 2026-07-28 on that introduces itself in its own way. */
function listing(at: number): RequestInit {
  const capabilities = {
    ...(at % 2 === 1 && { elicitation: at % 3 ? { form: {} } : { url: {} } }),
    ...(at % 5 === 1 && { sampling: at % 7 ? {} : { tools: {} } }),
    ...(at % 11 === 1 && { roots: {} }),
    extensions: { [`vendor/${at}`]: {} },
  }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: `client ${at}`, version: '1' },
    [CAPABILITIES]: capabilities,
  }
  const call = { method: 'tools/call', params: { name: 'always', arguments: {}, _meta } }
  const list = { method: 'tools/list', params: { _meta } }
  const { method, params } = at % 10 === 0 ? call : list
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(method === 'tools/call' && { 'mcp-name': 'always' }),
      'x-tag': String(at),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: at, method, params }),
  }
}

/** Sends the requests of 10,000 clients, 50 at once; all are answered with a result. */
async function introduced(proxy: FastMCP): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < 10_000) {
      const response = await proxy.request('/mcp', listing((next += 1)))
      expect(await response.json()).toHaveProperty('result')
    }
  }
  await Promise.all(Array.from({ length: 50 }, worker))
}

describe.each(ERAS)('10,000 different introductions before a server of %s', (behind) => {
  test('› leave a bounded number of connections', async () => {
    const upstream = await varying(behind)
    const proxy = FastMCP.asProxy(upstream.url, { era: behind })
    await introduced(proxy)
    // Eight variants of capabilities, and sessions that are initialized ahead or being closed.
    expect(proxy.status().upstreams[0]?.connections).toBeLessThan(8 + 256 + 50)
    await proxy.stop()
  }, 120_000)

  test('› with headers of their own leave a bounded number of connections', async () => {
    const upstream = await varying(behind)
    const proxy = FastMCP.asProxy(upstream.url, {
      era: behind,
      headers: ({ headers }) => ({ 'x-tag': headers?.['x-tag'] ?? '' }),
    })
    await introduced(proxy)
    // 64 sets of headers, and 16 for those beyond.
    expect(proxy.status().upstreams[0]?.connections).toBeLessThan(64 + 16 + 256 + 50)
    await proxy.stop()
  }, 120_000)
})
