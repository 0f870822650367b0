/** A proxy takes over the options of a client that it is made of, and the ids of what its upstream asks for. */
import { Client, FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { featured } from '../servers/featured.js'
import { serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { hostileUpstream, messageOf, toolResult } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { hangs, ScriptedUpstream } from '../support/scripted-upstream.js'

test.each(['2025-11-25', '2026-07-28'] as const)(
  'a client with era %s › the proxy speaks it',
  async (era) => {
    const proxy = FastMCP.asProxy(new Client(await serve(echoServer()), { era }))
    const client = await connected(await serve(proxy))
    expect((await client.callTool('plain')).data).toBe('plain')
    await expect.poll(() => proxy.status().upstreams[0]?.protocolVersion).toBe(era)
  },
)

test('a client with a time-out › is the time-out of calls through the proxy, unless it has its own', async () => {
  const upstream = await ScriptedUpstream.start(hangs)
  const target = new Client(upstream.url, { era: '2025-11-25', timeoutMs: 100 })
  const client = await connected(await serve(FastMCP.asProxy(target, { name: 'proxy' })))
  const result = await client.callTool('it', {}, { throwOnError: false })
  expect(result.data).toContain('did not answer in time')
})

test('an elicitation by URL › reaches the client with the id that the upstream gave it', async () => {
  let answerCall: () => void = () => undefined
  const upstream = await hostileUpstream('2025-11-25', ({ id }, { socket }) => {
    answerCall = () => void socket.end(`data: ${toolResult(id, 'asked')}\n\n`)
    const params = { mode: 'url', message: 'Pay', url: 'https://example.com/', elicitationId: 'payment-1' }
    const asked = JSON.stringify({ jsonrpc: '2.0', id: 99, method: 'elicitation/create', params })
    return [
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: ${asked}\n\n`,
    ]
  })
  const { script } = upstream
  upstream.script = (request) => {
    if (messageOf(request)?.id !== 99) return script(request)
    answerCall()
    return ['HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n']
  }
  const ids: unknown[] = []
  const client = await connected(await serve(FastMCP.asProxy(upstream.url, { era: '2025-11-25' })), {
    era: '2025-11-25',
    elicitation: ({ elicitationId }: { elicitationId?: string }) => {
      ids.push(elicitationId)
      return { action: 'accept' }
    },
  })
  expect((await client.callTool('echo')).data).toBe('asked')
  expect(ids).toEqual(['payment-1'])
})

const ERAS = ['2025-11-25', '2026-07-28'] as const
const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

describe.each(pairs)('a client with handlers, in front $front, behind $behind', ({ front, behind }) => {
  test('› its handlers answer the server, in place of the clients in front', async () => {
    const logged: unknown[] = []
    const target = new Client(await serve(featured()), {
      era: behind,
      name: 'the-operator',
      version: '4.2.0',
      elicitation: () => ({ action: 'decline' }),
      roots: ['file:///of/the/operator'],
      onLog: ({ data }) => logged.push((data as { message: string }).message),
    })
    const asked: unknown[] = []
    const client = await connected(await serve(FastMCP.asProxy(target)), {
      era: front,
      sampling: (request: unknown) => {
        asked.push(request)
        return 'said in front'
      },
      onLog: () => undefined,
    })
    await client.setLoggingLevel('debug')
    expect((await client.callTool('asks')).data).toBe('{"action":"decline"}')
    const { data: roots } = await client.callTool('roots')
    expect(JSON.parse(roots as string)).toEqual([{ uri: 'file:///of/the/operator' }])
    expect((await client.callTool('samples')).data).toContain('said in front')
    expect(asked).toHaveLength(1)
    await client.callTool('logs')
    await expect.poll(() => logged).toEqual(expect.arrayContaining(['debug', 'warn']))
  })
})

test('a client with a name › is how the proxy names itself to the server', async () => {
  const upstream = await ScriptedUpstream.start()
  const target = new Client(upstream.url, { era: '2025-11-25', name: 'the-operator', version: '4.2.0' })
  await connected(await serve(FastMCP.asProxy(target)))
  const [initialize] = upstream.asked.filter(({ method }) => method === 'initialize')
  expect(initialize?.params['clientInfo']).toEqual({ name: 'the-operator', version: '4.2.0' })
})

test('a client with onListChanged and onError › is told by the proxy', async () => {
  const server = echoServer()
  const [changes, errors]: [string[], string[]] = [[], []]
  const target = new Client(await serve(server), {
    onListChanged: (list) => changes.push(list),
    onError: ({ message }) => errors.push(message),
  })
  const client = await connected(await serve(FastMCP.asProxy(target, { logger: recordingLogger().logger })))
  await client.listTools()
  await expect
    .poll(() => {
      server.addTool({ name: `more-${Math.round(performance.now())}`, execute: () => '' })
      return changes
    })
    .toContain('tools')
  await server.stop()
  await client.callTool('plain', {}, { throwOnError: false })
  await expect.poll(() => errors.length).toBeGreaterThan(0)
})
