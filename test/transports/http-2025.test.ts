import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { onCleanup, serve } from '../support/clients.js'
import { echoServer, NAME, PING, rawTo } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

describe('every revision up to 2025-11-25', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    '%s is spoken within a session',
    async (version) => {
      const connection = await rawTo()
      const session = await connection.initialize(version)
      expect(session['mcp-session-id']).toMatch(/^[\x21-\x7e]{32,}$/)
      const call = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'plain' } })
      for (const id of [0, -5, 2 ** 53 - 1, '', '1', 'ü', '__proto__', 'x'.repeat(4000)]) {
        const { status, json } = await connection.ask(call(id), session)
        expect(status).toBe(200)
        expect(json).toEqual({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'plain' }] } })
      }
      const listed = await connection.ask({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, session)
      expect(listed.json).toMatchObject({
        result: { tools: [{ name: 'echo' }, { name: 'plain' }, { name: 'streams' }] },
      })
    },
  )

  test('an unknown version is answered with one that is spoken', async () => {
    for (const version of ['1999-01-01', 'banana', '', '2026-07-28']) {
      const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'a', version: '1' } }
      const { json } = await (await rawTo()).ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
      expect(json).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
    }
  })

  test('a bad initialize opens nothing', async () => {
    const connection = await rawTo()
    for (const params of [
      undefined,
      {},
      { protocolVersion: 5 },
      { protocolVersion: '2025-11-25', capabilities: [] },
    ]) {
      const { headers, json } = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
      expect(json).toMatchObject({ id: 1, error: { code: -32602 } })
      expect(headers).not.toHaveProperty('mcp-session-id')
    }
  })

  test('a second initialize harms nothing', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-06-18')
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'b', version: '1' },
    }
    const again = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, session)
    expect(again.json).toMatchObject({ error: { code: -32600 } })
    expect((await connection.ask(PING, session)).json).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  })

  test('audio and links reach clients that do not know them', async () => {
    const of = new FastMCP(NAME).addTool({
      name: 'new',
      execute: () => [
        { type: 'audio', data: 'AQID', mimeType: 'audio/wav' },
        { type: 'resource_link', uri: 'data://cities', name: 'Cities', description: 'All of them' },
      ],
    })
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'new' } }
    const text = { type: 'text', text: 'Cities: data://cities\nAll of them' }
    const audio = { type: 'audio', data: 'AQID', mimeType: 'audio/wav' }
    const embedded = {
      type: 'resource',
      resource: { uri: 'data:audio/wav,', mimeType: 'audio/wav', blob: 'AQID' },
    }
    const connection = await rawTo(of)
    for (const [version, content] of [
      ['2024-11-05', [embedded, text]],
      ['2025-03-26', [audio, text]],
      [
        '2025-06-18',
        [audio, { type: 'resource_link', uri: 'data://cities', name: 'Cities', description: 'All of them' }],
      ],
    ] as const)
      expect((await connection.ask(call, await connection.initialize(version))).json).toMatchObject({
        result: { content },
      })
  })

  test('sessions end by DELETE, and are 404 from then on', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-11-25')
    expect((await connection.send('DELETE', session)).status).toBe(204)
    expect((await connection.ask(PING, session)).status).toBe(404)
    expect((await connection.send('DELETE', session)).status).toBe(404)
    expect((await connection.send('GET', { ...session, accept: 'text/event-stream' })).status).toBe(404)
    for (const id of ['', 'nobody', '__proto__', 'constructor'])
      expect((await connection.ask(PING, { 'mcp-session-id': id })).status).toBe(404)
    expect((await connection.ask(PING)).status).toBe(400)
  })

  test('a session has one stream for what answers no request', async () => {
    const url = await serve(echoServer())
    const [first, second] = [await Raw.connect(url), await Raw.connect(url)]
    onCleanup(() => [first.destroy(), second.destroy()])
    const session = await second.initialize('2025-11-25')
    expect((await second.send('GET', { ...session, accept: 'application/json' })).status).toBe(406)
    void first.send('GET', { ...session, accept: 'text/event-stream' })
    await first.firstByte
    expect((await second.send('GET', { ...session, accept: 'text/event-stream' })).status).toBe(409)
    expect((await second.ask(PING, session)).status).toBe(200)
  })

  test('the version header may be any that is spoken, but no other', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-11-25')
    const status = async (version: string) =>
      (await connection.ask(PING, { ...session, 'mcp-protocol-version': version })).status
    expect(await status('2025-03-26')).toBe(200)
    expect(await status('1999-01-01')).toBe(400)
  })

  test('there are no more sessions than there may be', async () => {
    const of = new FastMCP({ ...NAME, session: { max: 2 } })
    const connection = await rawTo(of)
    const first = await connection.initialize('2025-11-25')
    await connection.initialize('2025-11-25')
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }
    const refused = await connection.ask({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '60'])
    await connection.send('DELETE', first)
    expect((await connection.initialize('2025-11-25'))['mcp-session-id']).not.toBe('')
  })

  test('an idle session ends', async () => {
    const of = new FastMCP({ ...NAME, session: { idleTimeoutMs: 40 } })
    const connection = await rawTo(of)
    const session = await connection.initialize('2025-11-25')
    // Asking is activity: look from outside, by opening the stream only once the session must be gone.
    const gone = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 120))
      return (await connection.ask(PING, session)).status
    }
    await expect.poll(gone, { timeout: 5000 }).toBe(404)
  })
})

describe('batches', () => {
  const batch = [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99 } },
    { jsonrpc: '2.0', id: 'two', method: 'tools/call', params: { name: 'plain' } },
    { jsonrpc: '2.0', id: 3, method: 'no/such' },
    { nonsense: true },
  ]

  test('are answered as one, in 2025-03-26', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-03-26')
    const { status, json } = await connection.ask(batch, session)
    expect(status).toBe(200)
    expect(json).toHaveLength(4)
    expect(json).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 1, result: {} },
        { jsonrpc: '2.0', id: 'two', result: { content: [{ type: 'text', text: 'plain' }] } },
        expect.objectContaining({ id: 3, error: expect.objectContaining({ code: -32601 }) as object }),
        expect.objectContaining({ error: expect.objectContaining({ code: -32600 }) as object }),
      ]),
    )
    const quiet = await connection.ask([batch[1]], session)
    expect([quiet.status, quiet.body]).toEqual([202, ''])
    const streaming = [
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'streams', _meta: { progressToken: 1 } },
      },
    ]
    const streamed = await connection.ask(streaming, session)
    expect(streamed.headers['content-type']).toBe('text/event-stream')
    expect(streamed.json).toEqual([
      { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'streamed' }] } },
    ])
  })

  test('are bounded, and unknown to every other revision', async () => {
    const connection = await rawTo()
    const old = await connection.initialize('2025-03-26')
    expect((await connection.ask([], old)).json).toMatchObject({ error: { code: -32600 } })
    const many = Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
    expect((await connection.ask(many, old)).status).toBe(400)
    const session = await connection.initialize('2025-06-18')
    expect((await connection.ask([PING], session)).status).toBe(400)
    expect((await connection.ask([PING])).status).toBe(400)
    expect((await connection.ask([PING], { 'mcp-protocol-version': '2026-07-28' })).status).toBe(400)
  })
})
