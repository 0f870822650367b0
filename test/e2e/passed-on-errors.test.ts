/** Errors of a server pass a proxy as they are: with their code, message and data. */
import { ProtocolError, FastMCP, type EraName } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream, speaking2026, type Script } from '../support/scripted-upstream.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** A server that answers each `resources/read` and `tools/call` with an error. */
async function failing(era: EraName, error: RpcError): Promise<string> {
  const script: Script = ({ method, id }, response) => {
    if (method !== 'resources/read' && method !== 'tools/call') return undefined
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    return undefined
  }
  return (await ScriptedUpstream.start(era === '2026-07-28' ? speaking2026(script) : script)).url
}

async function failureOf(run: Promise<unknown>): Promise<RpcError> {
  const error: unknown = await run.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(ProtocolError)
  const { code, message, data } = error as ProtocolError
  return { code, message, ...(data !== undefined && { data }) }
}

const ERRORS: readonly RpcError[] = [
  { code: -32602, message: 'MCP error -32602: Resource data://x not found' },
  { code: -32602, message: 'Bad arguments', data: { field: 'x' } },
  { code: -32001, message: 'Of our own', data: [1, 2] },
  { code: -32601, message: 'Method not found' },
  { code: -32603, message: 'Out of luck', data: { uri: 'data://x' } },
]

describe.each(pairs)('a client of $front before a server of $behind', ({ front, behind }) => {
  test.each(ERRORS)('› gets $code "$message" as it is', async (error) => {
    const client = await connected(
      await serve(FastMCP.asProxy(await failing(behind, error), { era: behind })),
      {
        era: front,
      },
    )
    expect(await failureOf(client.readResource('data://x'))).toEqual(error)
    expect(await failureOf(client.callTool('it'))).toEqual(error)
  })

  test("› gets a server's own words for an unknown resource, coded as its era does", async () => {
    const code = behind === '2025-11-25' ? -32002 : -32602
    const message =
      behind === '2025-11-25' ? 'No file data://x here' : 'Resource not found: no file data://x here'
    const data = { uri: 'data://x', hint: 'look elsewhere' }
    const proxy = FastMCP.asProxy(await failing(behind, { code, message, data }), { era: behind })
    const expected = { code: front === '2025-11-25' ? -32002 : -32602, message, data }
    const client = await connected(await serve(proxy), { era: front })
    expect(await failureOf(client.readResource('data://x'))).toEqual(expected)
  })

  test('› gets an unknown resource by the name that a mount gives it', async () => {
    const code = behind === '2025-11-25' ? -32002 : -32602
    const error = { code, message: 'Resource not found: data://x', data: { uri: 'data://x', hint: 1 } }
    const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount(
      'm',
      FastMCP.asProxy(await failing(behind, error), { era: behind }),
    )
    const client = await connected(await serve(main), { era: front })
    expect(await failureOf(client.readResource('data://m/x'))).toMatchObject({
      message: 'Resource not found: data://m/x',
      data: { uri: 'data://m/x', hint: 1 },
    })
  })

  test('› gets its answer for what it does not list', async () => {
    const script: Script = ({ method, params, id }, response) => {
      const { name } = params
      if (name === 'unlisted') return { resultType: 'complete', content: [{ type: 'text', text: 'there' }] }
      if (name !== 'none') return undefined
      const code = method === 'prompts/get' ? -32601 : -32602
      const error = {
        code,
        message: `nothing for ${method}`,
        data: { given: params['arguments'] === undefined },
      }
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, error }))
      return undefined
    }
    const { url } = await ScriptedUpstream.start(behind === '2026-07-28' ? speaking2026(script) : script)
    const client = await connected(await serve(FastMCP.asProxy(url, { era: behind })), { era: front })
    expect((await client.callTool('unlisted')).data).toBe('there')
    expect(await failureOf(client.getPrompt('none'))).toMatchObject({
      code: -32601,
      message: 'nothing for prompts/get',
    })
    expect(await failureOf(client.callTool('none'))).toMatchObject({
      code: -32602,
      message: 'nothing for tools/call',
    })
  })

  test('› gets its answer for a list that fails', async () => {
    const error = { code: -32603, message: 'No database', data: { retry: true } }
    const script: Script = ({ method, id }, response) => {
      if (method === 'tools/list' || method === 'resources/list')
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ jsonrpc: '2.0', id, error }))
      if (method === 'resources/read') return { resultType: 'complete', contents: [] }
      return undefined
    }
    const { url } = await ScriptedUpstream.start(behind === '2026-07-28' ? speaking2026(script) : script)
    const client = await connected(await serve(FastMCP.asProxy(url, { era: behind })), { era: front })
    expect(await failureOf(client.listTools())).toEqual(error)
    expect((await client.readResource('data://x')).contents).toEqual([])
    expect((await client.callTool('it')).data).toBe('it')
  })
})

test('an unknown prompt of a composite › is unknown, although one of its servers has no prompts', async () => {
  const { url } = await ScriptedUpstream.start()
  const other = await serve(
    new FastMCP({ name: 'other', version: '1.0.0' }).addPrompt({ name: 'it', load: () => 'it' }),
  )
  const composite = FastMCP.asProxy({ mcpServers: { a: { url }, b: { url: other } } })
  const client = await connected(await serve(composite))
  expect(await failureOf(client.getPrompt('a_none'))).toEqual({
    code: -32602,
    message: 'Unknown prompt: a_none',
  })
  expect((await client.getPrompt('b_it')).messages).toHaveLength(1)
})
