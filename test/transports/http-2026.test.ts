import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { serve } from '../support/clients.js'
import { echoServer, NAME, rawTo } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

describe('2026-07-28', () => {
  test('says who answers, and how long it may be kept', async () => {
    const of = new FastMCP({ ...NAME, title: 'Test', cache: { ttlMs: 5000, scope: 'public' } }).addTool({
      name: 'meta',
      execute: () => ({ content: 'x', meta: { 'a.b/c': 1 } }),
    })
    const connection = await rawTo(of)
    const serverInfo = { 'io.modelcontextprotocol/serverInfo': { ...NAME, title: 'Test' } }
    expect((await connection.ask2026('tools/list')).json).toMatchObject({
      result: {
        resultType: 'complete',
        ttlMs: 5000,
        cacheScope: 'public',
        _meta: serverInfo,
        tools: [{ name: 'meta' }],
      },
    })
    const called = (await connection.ask2026('tools/call', { name: 'meta' })).json
    expect(called).toMatchObject({ result: { resultType: 'complete', _meta: { ...serverInfo, 'a.b/c': 1 } } })
    expect(called).not.toHaveProperty('result.ttlMs')
    const { json, headers } = await connection.ask2026('server/discover')
    expect(json).toMatchObject({
      result: {
        supportedVersions: expect.arrayContaining(['2026-07-28', '2025-11-25']) as string[],
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true },
          prompts: {},
          completions: {},
        },
        ttlMs: 5000,
      },
    })
    expect(headers).not.toHaveProperty('mcp-session-id')
  })

  test.each([
    ['without a version header', { 'mcp-protocol-version': '' }],
    ['with another version header', { 'mcp-protocol-version': '2025-11-25' }],
    ['with another method header', { 'mcp-method': 'tools/list' }],
    ['with a method header in capitals', { 'mcp-method': 'TOOLS/CALL' }],
    ['with another name header', { 'mcp-name': 'echo' }],
    ['with a name header of broken Base64', { 'mcp-name': '=?base64?cGxhaW4?=' }],
  ])('refuses a request %s', async (_what, headers) => {
    const connection = await rawTo()
    const { status, json } = await connection.ask2026('tools/call', { name: 'plain' }, {}, headers)
    expect([status, (json as { error: { code: number }; id: number }).error.code]).toEqual([400, -32020])
    expect(json).toMatchObject({ id: 1 })
  })

  test('takes names in Base64, and with spaces around them', async () => {
    const connection = await rawTo()
    for (const name of ['=?base64?cGxhaW4=?=', '  plain  '])
      expect(
        (await connection.ask2026('tools/call', { name: 'plain' }, {}, { 'mcp-name': name })).status,
      ).toBe(200)
  })

  test('refuses what its _meta should say and does not', async () => {
    const connection = await rawTo()
    const ask = (meta: object) => connection.ask2026('tools/list', {}, meta)
    const code = async (meta: object) => {
      const { status, json } = await ask(meta)
      return [status, (json as { error?: { code: number } }).error?.code]
    }
    expect(await code({ 'io.modelcontextprotocol/clientCapabilities': undefined })).toEqual([400, -32602])
    expect(await code({ 'io.modelcontextprotocol/clientCapabilities': [] })).toEqual([400, -32602])
    expect(await code({ 'io.modelcontextprotocol/clientInfo': 'me' })).toEqual([400, -32602])
    expect(await code({ 'io.modelcontextprotocol/clientInfo': undefined })).toEqual([200, undefined])
    expect(await code({ 'io.modelcontextprotocol/protocolVersion': undefined })).toEqual([400, -32602])
    const future = { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }
    const { status, json } = await connection.ask2026('tools/list', {}, future, {
      'mcp-protocol-version': '2099-01-01',
    })
    expect(status).toBe(400)
    expect(json).toMatchObject({
      error: { code: -32022, data: { requested: '2099-01-01', supported: ['2026-07-28'] } },
    })
  })

  test.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'no/such',
    '__proto__',
  ])('does not know %s', async (method) => {
    const { status, json } = await (await rawTo()).ask2026(method)
    expect(status).toBe(404)
    expect(json).toMatchObject({ id: 1, error: { code: -32601 } })
  })

  test('has no GET and no DELETE, ignores sessions, and accepts notifications', async () => {
    const connection = await rawTo()
    const version = { 'mcp-protocol-version': '2026-07-28' }
    expect((await connection.send('GET', { ...version, accept: 'text/event-stream' })).status).toBe(405)
    expect((await connection.send('DELETE', version)).status).toBe(405)
    expect((await connection.ask2026('tools/list', {}, {}, { 'mcp-session-id': 'nobody' })).status).toBe(200)
    const params = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
    const notified = await connection.ask(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params },
      version,
    )
    expect([notified.status, notified.body]).toEqual([202, ''])
  })

  test('a missing resource is -32602, with its URI', async () => {
    const { status, json } = await (await rawTo()).ask2026('resources/read', { uri: 'data://nothing' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ error: { code: -32602, data: { uri: 'data://nothing' } } })
    const connection = await rawTo()
    const session = await connection.initialize('2025-11-25')
    const old = await connection.ask(
      { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'data://nothing' } },
      session,
    )
    expect(old.json).toMatchObject({ error: { code: -32002, data: { uri: 'data://nothing' } } })
  })

  test('a capability that is missing is 400', async () => {
    const { ProtocolError, ErrorCode } = await import('fastmesh')
    const of = new FastMCP(NAME).addTool({
      name: 'needs',
      execute: () => {
        throw new ProtocolError(ErrorCode.MissingClientCapability, 'Needs roots', {
          requiredCapabilities: { roots: {} },
        })
      },
    })
    const { status, json } = await (await rawTo(of)).ask2026('tools/call', { name: 'needs' })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: { code: -32021, data: { requiredCapabilities: { roots: {} } } } })
  })

  test('listening is acknowledged first, filtered, stamped, and ended by a stop', async () => {
    const of = echoServer()
    const url = await serve(of)
    const [listener, narrow, empty] = await Promise.all([
      Raw.connect(url),
      Raw.connect(url),
      Raw.connect(url),
    ])
    const listen = (connection: Raw, notifications: unknown) =>
      connection.ask2026('subscriptions/listen', { notifications })
    const all = listen(listener, {
      toolsListChanged: true,
      promptsListChanged: false,
      resourceSubscriptions: ['data://a'],
    })
    const prompts = listen(narrow, { promptsListChanged: true })
    await Promise.all([listener.firstByte, narrow.firstByte])
    of.addTool({ name: 'new', execute: () => '' })
    of.notifyResourceUpdated('data://a')
    of.notifyResourceUpdated('data://b')
    const nothing = await listen(empty, {})
    expect(nothing.json).toMatchObject({ result: { resultType: 'complete' } })
    await of.stop()
    const stamp = { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } }
    const events = ({ body }: { body: string }) =>
      [...body.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as object)
    expect(events(await all)).toMatchObject([
      {
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['data://a'] }, ...stamp },
      },
      { method: 'notifications/tools/list_changed', params: stamp },
      { method: 'notifications/resources/updated', params: { uri: 'data://a', ...stamp } },
      { id: 1, result: { resultType: 'complete', ...stamp } },
    ])
    expect(events(await prompts)).toMatchObject([
      { method: 'notifications/subscriptions/acknowledged' },
      { id: 1, result: { resultType: 'complete' } },
    ])
  })

  test('what cannot be listened to is refused', async () => {
    const connection = await rawTo()
    for (const notifications of [
      undefined,
      [],
      { resourceSubscriptions: 'all' },
      { resourceSubscriptions: [5] },
    ]) {
      const { json } = await connection.ask2026('subscriptions/listen', { notifications })
      expect(json).toMatchObject({ error: { code: -32602 } })
    }
  })
})

describe('arguments that headers repeat', () => {
  const of = () =>
    new FastMCP(NAME).addTool({
      name: 'route',
      parameters: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          deep: { type: 'object', properties: { level: { type: 'integer', 'x-mcp-header': 'Level' } } },
        },
      },
      execute: (args) => JSON.stringify(args),
    })

  test.each([
    [{ region: 'eu' }, { 'mcp-param-region': 'eu' }, 200],
    [{ region: 'eu' }, { 'mcp-param-region': 'us' }, 400],
    [{ region: 'eu' }, {}, 400],
    [{ region: 'ü' }, { 'mcp-param-region': '=?base64?w7w=?=' }, 200],
    [{ region: 'ü' }, { 'mcp-param-region': '=?base64?w7w?=' }, 400],
    [{ deep: { level: 42 } }, { 'mcp-param-level': '42.0' }, 200],
    [{ deep: { level: 42 } }, { 'mcp-param-level': 'x' }, 400],
    [{ region: null }, {}, 200],
    [{}, { 'mcp-param-region': 'ignored' }, 200],
  ])('%j with %j', async (args, headers, status) => {
    const answer = await (
      await rawTo(of())
    ).ask2026('tools/call', { name: 'route', arguments: args }, {}, headers)
    expect(answer.status).toBe(status)
    if (status === 400) expect(answer.json).toMatchObject({ error: { code: -32020 } })
  })

  test('are not asked of 2025 clients', async () => {
    const connection = await rawTo(of())
    const session = await connection.initialize('2025-11-25')
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'route', arguments: { region: 'eu' } },
    }
    expect((await connection.ask(call, session)).json).toMatchObject({ result: {} })
  })
})
