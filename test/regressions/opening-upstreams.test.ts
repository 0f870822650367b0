/** Servers that go wrong while a connection to them is made, or are not what they were when it was: nothing waits for ever, and all is well again afterwards. */
import { Client, ConnectionError, FastMCP, type ProxyOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { ScriptedUpstream, speaking2026, type Script } from '../support/scripted-upstream.js'

const QUIET = { throwOnError: false } as const
const never = new Promise<undefined>(() => undefined)

function proxyOf(target: string | { replicas: string[] }, options: ProxyOptions = {}) {
  return FastMCP.asProxy(target, { name: 'weather', logger: recordingLogger().logger, ...options })
}

/** A server that logs, so that a connection for a session begins by saying what is wanted of the log. */
const logs: Script = ({ method }, response) => {
  if (method !== 'initialize') return undefined
  response.setHeader('mcp-session-id', 'only')
  const capabilities = { tools: {}, logging: {} }
  return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'scripted', version: '1' } }
}

describe('a connection that is being opened', () => {
  test.each<[string, Script]>([
    [
      'never takes that we are ready',
      ({ method }) => (method === 'notifications/initialized' ? never : undefined),
    ],
    ['answers nothing at all', () => never],
  ])('to a server that %s is given up in time, or when it is closed', async (_what, script) => {
    const upstream = await ScriptedUpstream.start(script)
    const impatient = new Client(upstream.url, { connectTimeoutMs: 200 })
    await expect(impatient.connect()).rejects.toThrow(/200 ms/)
    await impatient.close()
    const patient = new Client(upstream.url)
    const connecting = patient.connect()
    connecting.catch(() => undefined)
    await expect.poll(() => upstream.asked.length).toBeGreaterThan(2)
    await patient.close()
    await expect(connecting).rejects.toThrow(ConnectionError)
  })

  test('is waited for no longer than for the answer that it is to bring', async () => {
    const upstream = await ScriptedUpstream.start(() => never)
    const client = new Client(upstream.url)
    onCleanup(() => client.close())
    const late = client.callTool('it', {}, { timeoutMs: 100 })
    await expect(late).rejects.toMatchObject({ name: 'RequestTimeoutError', outcome: 'not begun' })
    const controller = new AbortController()
    const calledOff = client.callTool('it', {}, { signal: controller.signal })
    controller.abort(new Error('not wanted'))
    await expect(calledOff).rejects.toThrow('not wanted')
  })

  test('is opened anew where the server forgets it at once', async () => {
    const upstream = await ScriptedUpstream.start((asked, response) => {
      if (asked.method === 'initialize') upstream.sessions.add('only')
      if (asked.method !== 'logging/setLevel') return logs(asked, response)
      upstream.sessions.clear()
      response.writeHead(404).end()
      return undefined
    })
    const client = await connected(proxyOf(upstream.url, { timeoutMs: 2000 }), { era: '2025-11-25' })
    // The level is set again each time the connection is opened.
    await client.setLoggingLevel('debug')
    expect((await client.callTool('it', {}, QUIET)).data).toBe("upstream 'weather' is unavailable")
    upstream.script = (asked, response) => {
      if (asked.method === 'initialize') upstream.sessions.add('only')
      return logs(asked, response)
    }
    await expect.poll(async () => (await client.callTool('it', {}, QUIET)).data, { timeout: 5000 }).toBe('it')
  })

  test('says with each of its requests on whose behalf it is made', async () => {
    const upstream = await ScriptedUpstream.start()
    const proxy = proxyOf(upstream.url, { headers: ({ headers }) => ({ 'x-who': headers?.['x-who'] ?? '' }) })
    const client = await connected(await serve(proxy), { era: '2025-11-25', headers: { 'x-who': 'ann' } })
    await client.callTool('it')
    expect(upstream.asked.map(({ method }) => method)).toContain('notifications/initialized')
    expect(new Set(upstream.asked.map(({ headers }) => headers['x-who']))).toEqual(new Set(['ann']))
  })
})

describe('lists', () => {
  test('are asked for again where no change would be heard of', async () => {
    let name = 'first'
    const upstream = await ScriptedUpstream.start(({ method }) =>
      method === 'tools/list' ? { tools: [{ name, inputSchema: { type: 'object' } }] } : undefined,
    )
    upstream.stream = (response) => {
      response.writeHead(405).end()
      return true
    }
    const client = await connected(proxyOf(upstream.url))
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['first'])
    name = 'second'
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['second'])
  })

  test('are asked for again after a gap in which changes could have been missed', async () => {
    let name = 'first'
    const upstream = await ScriptedUpstream.start(({ method }) =>
      method === 'tools/list' ? { tools: [{ name, inputSchema: { type: 'object' } }] } : undefined,
    )
    let end = (): void => undefined
    upstream.stream = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      response.write('retry: 1\n\n')
      end = () => response.end()
      return true
    }
    const changes: string[] = []
    const client = await connected(proxyOf(upstream.url), {
      onListChanged: (what: string) => changes.push(what),
    })
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['first'])
    name = 'second'
    end()
    await expect.poll(() => changes).toContain('tools')
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['second'])
  })

  test('that never come do not hold up those of other servers for long', async () => {
    const upstream = await ScriptedUpstream.start(({ method }) =>
      method === 'tools/list' ? never : undefined,
    )
    const main = new FastMCP({ name: 'main', version: '1.0.0', logger: recordingLogger().logger })
      .addTool({ name: 'own', execute: () => 'own' })
      .mount('up', proxyOf(upstream.url))
    const client = await connected(main, { timeoutMs: 10_000 })
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['own'])
  }, 15_000)
})

test.each([403, 429])('status %i is an answer: the server is there', async (status) => {
  const upstream = await ScriptedUpstream.start(({ method }, response) =>
    method === 'tools/call' ? void response.writeHead(status).end() : undefined,
  )
  const proxy = proxyOf(upstream.url)
  const client = await connected(proxy)
  expect(await client.callTool('it', {}, QUIET)).toMatchObject({ isError: true })
  expect(proxy.status().upstreams[0]).toMatchObject({
    state: 'connected',
    lastError: expect.any(String) as string,
  })
})

test('a replica that comes back gets calls again', async () => {
  const replica = (name: string, port?: number) =>
    ScriptedUpstream.start(
      ({ method }) => (method === 'tools/call' ? { content: [{ type: 'text', text: name }] } : undefined),
      port,
    )
  const [first, second] = [await replica('first'), await replica('second')]
  const { port } = first
  const proxy = proxyOf({ replicas: [first.url, second.url] }, {})
  const url = await serve(proxy)
  const served = async (): Promise<ReadonlySet<unknown>> => {
    // Each caller alone: those with a session stay where they are.
    const clients = await Promise.all([1, 2, 3, 4].map(() => connected(url, { era: '2026-07-28' })))
    const answers = await Promise.all(clients.map((client) => client.callTool('it', {}, QUIET)))
    return new Set(answers.map(({ data }) => data))
  }
  expect(await served()).toEqual(new Set(['first', 'second']))
  await first.stop()
  await expect.poll(served, { timeout: 5000 }).toEqual(new Set(['second']))
  expect(proxy.status().upstreams.map(({ state }) => state)).toEqual(['unavailable', 'connected'])
  await replica('first', port)
  await expect.poll(served, { timeout: 20_000 }).toEqual(new Set(['first', 'second']))
}, 30_000)

test('a server that asks for nothing, and does not answer, is not asked for ever', async () => {
  const upstream = await ScriptedUpstream.start(
    speaking2026(({ method }) => (method === 'tools/call' ? { resultType: 'input_required' } : undefined)),
  )
  const client = await connected(proxyOf(upstream.url))
  const answer = client.callTool('it', {}, QUIET)
  await expect(answer).rejects.toThrow('asked for nothing')
  expect(upstream.count('tools/call')).toBe(1)
})

test('content that is none does not end the proxy', async () => {
  const upstream = await ScriptedUpstream.start(({ method }) =>
    method === 'tools/call' ? { content: [null, 7, { type: 'text', text: 'kept' }] } : undefined,
  )
  const main = new FastMCP({ name: 'main', version: '1.0.0', logger: recordingLogger().logger })
    .addTool({ name: 'own', execute: () => 'own' })
    .mount('up', proxyOf(upstream.url))
  const client = await connected(main)
  await client.callTool('up_it', {}, QUIET).catch(() => undefined)
  expect((await client.callTool('own')).data).toBe('own')
})

test('many subscriptions at once are all heard', async () => {
  const uris = Array.from({ length: 20 }, (_, index) => `note://${index}`)
  const upstream = new FastMCP({ name: 'up', version: '1.0.0', logger: recordingLogger().logger })
  for (const uri of uris) upstream.addResource({ uri, name: uri, load: () => ({ text: uri }) })
  for (const era of ['2025-11-25', '2026-07-28'] as const) {
    const proxy = proxyOf(await serve(upstream), { era })
    const client = await connected(proxy, { era })
    const heard = new Set<string>()
    await Promise.all(uris.map((uri) => client.subscribe(uri, () => heard.add(uri))))
    for (const uri of uris) upstream.notifyResourceUpdated(uri)
    await expect.poll(() => heard.size, { message: era }).toBe(uris.length)
    await client.close()
    await proxy.stop()
  }
})

test('a refused body without end is not read to its end', async () => {
  let ended: () => void = () => undefined
  const isEnded = new Promise<void>((resolve) => (ended = resolve))
  const upstream = await ScriptedUpstream.start(({ method }, response) => {
    if (method !== 'tools/call') return undefined
    response.writeHead(503).once('close', ended)
    const flood = (): void => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
    }
    response.on('drain', flood)
    flood()
    return undefined
  })
  const client = await connected(proxyOf(upstream.url))
  expect((await client.callTool('it', {}, QUIET)).data).toContain("upstream 'weather'")
  await isEnded
})

test('a call whose stream breaks again and again comes to its end as long as it gets on', async () => {
  const total = 15
  let id: number | undefined
  let at = 0
  const upstream = await ScriptedUpstream.start((asked, response) => {
    if (asked.method !== 'tools/call') return undefined
    id = asked.id
    step(response)
    return undefined
  })
  const step = (response: Parameters<typeof upstream.stream>[0]): void => {
    at += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`id: ${at}\nretry: 1\ndata: \n\n`)
    const result = { content: [{ type: 'text', text: 'at last' }] }
    if (at === total) response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    response.end()
  }
  upstream.stream = (response) => {
    if (id === undefined) return false
    step(response)
    return true
  }
  const client = await connected(upstream.url, { era: '2025-11-25' })
  expect((await client.callTool('it')).data).toBe('at last')
})
