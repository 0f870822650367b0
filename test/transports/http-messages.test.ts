import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { onCleanup, serve } from '../support/clients.js'
import { NAME, PING, rawTo } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

describe('messages that are none', () => {
  test.each([
    ['{', 400, -32700],
    ['', 400, -32700],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"} trailing', 400, -32700],
    ['null', 400, -32600],
    ['42', 400, -32600],
    ['"x"', 400, -32600],
    ['{}', 400, -32600],
    [{ ...PING, jsonrpc: '1.0' }, 400, -32600],
    [{ ...PING, method: 5 }, 400, -32600],
    [{ ...PING, id: null }, 400, -32600],
    [{ ...PING, id: 1.5 }, 400, -32600],
    [{ ...PING, id: {} }, 400, -32600],
    [{ ...PING, params: [] }, 400, -32600],
    [{ ...PING, params: { _meta: 'x' } }, 400, -32600],
    [{ jsonrpc: '2.0', id: 1, Method: 'ping' }, 400, -32600],
    [{ jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: '' } }, 400, -32600],
    [
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`,
      400,
      -32600,
    ],
    ['['.repeat(60_000), 400, -32600],
  ])('%j', async (message, status, code) => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-11-25')
    const answer = await connection.ask(message, session)
    expect([answer.status, (answer.json as { error: { code: number } }).error.code]).toEqual([status, code])
    expect((await connection.ask(PING, session)).status).toBe(200)
  })

  test('bytes that are no UTF-8', async () => {
    const connection = await rawTo()
    const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping","x":"\xff"}', 'latin1').toString(
      'latin1',
    )
    connection.write(
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(await connection.answer()).toMatchObject({ status: 400, json: { error: { code: -32700 } } })
    const session = await connection.initialize('2025-11-25')
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text: 'a\uFFFDü\u2028' } },
    }
    expect((await connection.ask(call, session)).json).toMatchObject({
      result: { content: [{ text: 'a\uFFFDü\u2028' }] },
    })
  })

  test('a response that answers nothing is accepted', async () => {
    const connection = await rawTo()
    const session = await connection.initialize('2025-11-25')
    expect((await connection.ask({ jsonrpc: '2.0', id: 99, result: {} }, session)).status).toBe(202)
    expect((await connection.ask({ jsonrpc: '2.0', method: 'notifications/unknown' }, session)).status).toBe(
      202,
    )
  })

  test('the same id twice at once', async () => {
    const of = new FastMCP(NAME).addTool({
      name: 'slow',
      execute: (_args, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    })
    const url = await serve(of)
    const [first, second] = [await Raw.connect(url), await Raw.connect(url)]
    onCleanup(() => [first.destroy(), second.destroy()])
    const session = await first.initialize('2025-11-25')
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'slow' } }
    const answer = first.ask(call, session)
    expect((await second.ask(call, session)).json).toMatchObject({ id: 7, error: { code: -32600 } })
    await second.ask({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }, session)
    expect((await answer).body).toBe('')
  })
})
