import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { FastMCP, inMemoryTransports, type FastMCPOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answering } from '../support/answering.js'
import { onCleanup, serve, WAYS } from '../support/clients.js'
import { NAME, PING } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'
import { Recording } from '../support/recording.js'

function tracked(options: Partial<FastMCPOptions> = {}) {
  const logged: string[] = []
  const log = (...message: unknown[]) => void logged.push(message.join(' '))
  const logger = { debug: log, info: log, warn: log, error: log }
  const server = new FastMCP({ ...NAME, logger, ...options }).addTool({ name: 'it', execute: () => 'ok' })
  return { server, logged, record: new Recording(server) }
}

async function raw(server: FastMCP<unknown, object>, options?: object): Promise<Raw> {
  const connection = await Raw.connect(await serve(server, options))
  onCleanup(() => connection.destroy())
  return connection
}

/** Open the stream of a session on a connection of its own. */
async function listening(url: string, session: Record<string, string>): Promise<Raw> {
  const stream = await Raw.connect(url)
  onCleanup(() => stream.destroy())
  stream.get({ ...session, accept: 'text/event-stream' })
  await stream.firstByte
  return stream
}

describe.each(WAYS)('$name', (way) => {
  const hasSession = way.era === '2025-11-25' || way.wire === 'memory'

  test('connect tells of a client when all is known of it, disconnect once that it has gone', async () => {
    const { server, record } = tracked()
    const client = await way.connect(server, { capabilities: { sampling: {} } })
    await client.callTool({ name: 'it', arguments: {} })
    if (!hasSession) {
      expect(record.connected).toEqual([])
      expect(server.sessions).toEqual([])
      return
    }
    const session = await record.session()
    expect(session.clientInfo).toMatchObject({ name: 'test-client', version: '9.9.9' })
    expect(session.clientCapabilities).toMatchObject({ sampling: {} })
    expect(session.era).toBe(way.era)
    expect(session.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(session.transport).toBe(way.wire === 'memory' ? 'inMemory' : 'httpStream')
    expect(session.roots).toEqual([])
    expect(session.loggingLevel).toBe(way.era === '2025-11-25' ? 'info' : undefined)
    expect(server.sessions).toEqual([session])
    await client.close()
    await server.stop()
    expect(record.connected).toHaveLength(1)
    expect(record.disconnected).toHaveLength(1)
    expect(record.disconnected[0]?.session).toBe(session)
    expect(server.sessions).toEqual([])
  })

  test('close ends it, and the client notices', async () => {
    if (!hasSession) return
    const { server, record } = tracked()
    const client = await way.connect(server)
    if (way.era === '2026-07-28') await client.listTools()
    const session = await record.session()
    session.close()
    session.close()
    expect(record.reasons).toEqual(['closed by server'])
    await expect(client.callTool({ name: 'it', arguments: {} })).rejects.toThrow()
  })
})

describe.each(WAYS.filter(({ era }) => era === '2025-11-25'))('$name', (way) => {
  test('roots are there at connect, and told of when they change', async () => {
    const { server, record } = tracked()
    let roots = [{ uri: 'file:///one', name: 'One' }]
    const atConnect: unknown[] = []
    server.on('connect', ({ session }) => atConnect.push(session.roots))
    const client = await way.connect(server, {
      capabilities: { roots: { listChanged: true } },
      prepare: (made) => answering(made, { roots: () => roots }),
    })
    const session = await record.session()
    expect(atConnect).toEqual([roots])
    const heard: unknown[] = []
    session.on('rootsChanged', (event) => heard.push(event.roots))
    const before = roots
    roots = [{ uri: 'file:///two', name: 'Two' }]
    expect(session.roots).toEqual(before)
    await client.sendRootsListChanged()
    await expect.poll(() => heard).toEqual([roots])
    expect(session.roots).toEqual(roots)
  })

  test('roots are not asked for where they are not declared, or not wanted', async () => {
    for (const [capabilities, options] of [
      [{}, {}],
      [{ roots: {} }, { roots: { enabled: false } }],
    ] as const) {
      const { server, record } = tracked(options)
      let asked = 0
      await way.connect(server, {
        capabilities,
        prepare: (made) =>
          'roots' in capabilities
            ? answering(made, {
                roots: () => {
                  asked += 1
                  return []
                },
              })
            : made,
      })
      expect((await record.session()).roots).toEqual([])
      expect(asked).toBe(0)
    }
  })

  test('a session can be pinged, asked, and told of its log level', async () => {
    const { server, record } = tracked()
    const client = await way.connect(server, { capabilities: { elicitation: {}, sampling: {} } })
    answering(client, {
      elicit: () => ({ action: 'accept', content: { ok: true } }),
      sample: () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }),
    })
    const session = await record.session()
    await expect
      .poll(() =>
        session.ping().then(
          () => 'pong',
          () => 'no stream yet',
        ),
      )
      .toBe('pong')
    expect(await session.elicit({ message: 'Ok?', schema: z.object({ ok: z.boolean() }) })).toEqual({
      action: 'accept',
      content: { ok: true },
    })
    expect((await session.sample({ messages: 'hello' })).text).toBe('hi')
    await client.setLoggingLevel('error')
    expect(session.loggingLevel).toBe('error')
  })
})

describe('a listener that throws', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('%s, and harms nobody', async (_how, bad) => {
    const { server, logged, record } = tracked()
    const events: string[] = []
    server.on('connect', bad).on('disconnect', bad)
    server.on('connect', () => events.push('connect')).on('disconnect', () => events.push('disconnect'))
    const [clientSide, serverSide] = inMemoryTransports()
    await server.connect(serverSide)
    const client = new ClientV1({ name: 'c', version: '1' })
    await client.connect(clientSide as never)
    const session = await record.session()
    session.on('error', bad)
    await clientSide.send({ jsonrpc: '2.0', id: {} } as never)
    expect(await client.callTool({ name: 'it', arguments: {} })).toMatchObject({ content: [{ text: 'ok' }] })
    await client.close()
    await record.gone()
    expect(events).toEqual(['connect', 'disconnect'])
    await expect
      .poll(() => logged)
      .toEqual([
        expect.stringContaining("A listener of 'connect' failed"),
        expect.stringContaining("A listener of a session's 'error' failed"),
        expect.stringContaining("A listener of 'disconnect' failed"),
      ])
  })

  test('a listener that was taken away hears nothing', async () => {
    const { server } = tracked()
    const heard: unknown[] = []
    const listener = (event: unknown) => heard.push(event)
    server.on('connect', listener).off('connect', listener)
    const [clientSide, serverSide] = inMemoryTransports()
    await server.connect(serverSide)
    const client = new ClientV1({ name: 'c', version: '1' })
    await client.connect(clientSide as never)
    expect(server.sessions).toHaveLength(1)
    expect(heard).toEqual([])
    await client.close()
  })
})

describe('how a session over HTTP ends', () => {
  test('by DELETE', async () => {
    const { server, record } = tracked()
    const connection = await raw(server)
    const session = await connection.initialize('2025-11-25')
    expect((await connection.send('DELETE', session)).status).toBe(204)
    expect(record.reasons).toEqual(['client ended the session'])
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer =
        method === 'POST'
          ? await connection.ask(PING, session)
          : await connection.send(method, { ...session, accept: 'text/event-stream' })
      expect(answer.status).toBe(404)
    }
  })

  test('by silence, however many there are, but not while something runs or a stream is open', async () => {
    const { server, record } = tracked({ session: { idleTimeoutMs: 60 } })
    let finish: () => void = () => {}
    server.addTool({ name: 'slow', execute: () => new Promise<void>((resolve) => (finish = resolve)) })
    const url = await serve(server)
    const [quiet, busy, open] = await Promise.all([1, 2, 3].map(() => Raw.connect(url)))
    onCleanup(() => [quiet, busy, open].forEach((connection) => connection?.destroy()))
    await quiet!.initialize('2025-11-25')
    const working = await busy!.initialize('2025-11-25')
    const answer = busy!.ask(
      { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'slow' } },
      working,
    )
    const listener = await listening(url, await open!.initialize('2025-11-25'))
    await record.gone()
    expect(record.reasons).toEqual(['idle timeout'])
    expect(server.sessions).toHaveLength(2)
    finish()
    expect((await answer).status).toBe(200)
    listener.destroy()
    await record.gone(3)
    expect(record.reasons).toEqual(['idle timeout', 'idle timeout', 'idle timeout'])
  })

  test('by the end of the server', async () => {
    const { server, record } = tracked()
    const url = await serve(server)
    const connection = await Raw.connect(url)
    const stream = await listening(url, await connection.initialize('2025-11-25'))
    await server.stop()
    await stream.closed()
    expect(record.reasons).toEqual(['server stopped'])
  })

  test('a client that never says it is ready is never told of', async () => {
    const { server, record } = tracked()
    const connection = await raw(server)
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }
    const { headers } = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await connection.send('DELETE', { 'mcp-session-id': headers['mcp-session-id'] ?? '' })
    expect([record.connected, record.disconnected, server.sessions]).toEqual([[], [], []])
  })

  test('being ready twice is being ready once', async () => {
    const { server, record } = tracked()
    const connection = await raw(server)
    const session = await connection.initialize('2025-11-25')
    await connection.ask({ jsonrpc: '2.0', method: 'notifications/initialized' }, session)
    expect(record.connected).toHaveLength(1)
  })
})

test('no session is opened by what is no valid initialize', async () => {
  const { server } = tracked()
  const connection = await raw(server)
  const params = { protocolVersion: 5, capabilities: {} }
  const { headers, status } = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  expect([status, headers['mcp-session-id']]).toEqual([200, undefined])
  expect((await connection.ask(PING)).status).toBe(400)
  expect((await connection.ask(PING, { 'mcp-session-id': 'made-up' })).status).toBe(404)
  expect(server.status().sessions.connected).toBe(0)
})

test('past the limit new sessions are refused, and there is room again when one has gone', async () => {
  const { server } = tracked({ session: { max: 1 } })
  const connection = await raw(server)
  const first = await connection.initialize('2025-11-25')
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
  const refused = await connection.ask(initialize)
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '60'])
  expect((await connection.send('GET', { accept: 'text/event-stream' }, '/sse')).status).toBe(503)
  await connection.send('DELETE', first)
  expect((await connection.ask(initialize)).status).toBe(200)
})

describe('roots of a client without a stream', () => {
  const capabilities = { roots: { listChanged: true } }

  test('connect waits a moment, and then tells of it without', async () => {
    const { server, record } = tracked()
    const connection = await raw(server)
    await connection.initialize('2025-11-25', capabilities)
    expect(record.connected).toEqual([])
    expect((await record.session()).roots).toEqual([])
  })

  test('a client that goes while it is waited for is not told of', async () => {
    const { server, record } = tracked()
    const connection = await raw(server)
    const session = await connection.initialize('2025-11-25', capabilities)
    await connection.send('DELETE', session)
    await server.stop()
    expect([record.connected, record.disconnected]).toEqual([[], []])
  })

  test('they are asked for when the stream opens, and an error is told of', async () => {
    const { server, record } = tracked()
    const url = await serve(server)
    const connection = await Raw.connect(url)
    onCleanup(() => connection.destroy())
    const session = await connection.initialize('2025-11-25', capabilities)
    const known = await record.session()
    const errors: unknown[] = []
    const changes: unknown[] = []
    known
      .on('error', ({ error }) => errors.push(error))
      .on('rootsChanged', ({ roots }) => changes.push(roots))
    const stream = await listening(url, session)
    const ids = () =>
      [...stream.received.matchAll(/"id":(\d+),"method":"roots\/list"/g)].map((found) => Number(found[1]))
    await expect.poll(() => ids().length).toBe(1)
    const answer = (id: number | undefined, body: object) =>
      connection.ask({ jsonrpc: '2.0', id, ...body }, session)
    await answer(ids()[0], { error: { code: -32603, message: 'no idea' } })
    await expect.poll(() => errors.map(String)).toEqual([expect.stringContaining('no idea')])
    await connection.ask({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, session)
    await expect.poll(() => ids().length).toBe(2)
    await answer(ids()[1], { result: { roots: [{ uri: 'file:///late' }] } })
    await expect.poll(() => changes).toEqual([[{ uri: 'file:///late' }]])
    expect(known.roots).toEqual([{ uri: 'file:///late' }])
  })
})

test('state is remembered for a session, and in 2026 for a request only', async () => {
  const { server } = tracked()
  server.addTool({
    name: 'count',
    execute: (_args, { state }) => {
      const count = ((state.get('count') as number | undefined) ?? 0) + 1
      state.set('count', count)
      return count
    },
  })
  const connection = await raw(server)
  const count = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'count' } }
  const text = (answer: { json: unknown }) =>
    (answer.json as { result: { content: { text: string }[] } }).result.content[0]?.text
  const [one, two] = [await connection.initialize('2025-11-25'), await connection.initialize('2025-11-25')]
  expect([text(await connection.ask(count, one)), text(await connection.ask(count, one))]).toEqual(['1', '2'])
  expect(text(await connection.ask(count, two))).toBe('1')
  expect(text(await connection.ask2026('tools/call', { name: 'count' }))).toBe('1')
  expect(text(await connection.ask2026('tools/call', { name: 'count' }))).toBe('1')
})
