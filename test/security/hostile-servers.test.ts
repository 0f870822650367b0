/** What servers do to our client, and to a proxy: bounded, refused, and nobody else harmed. */
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { connect, type AddressInfo } from 'node:net'
import { FastMCP } from 'fastmesh'
import { expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { ScriptedUpstream, speaking2026 } from '../support/scripted-upstream.js'

const NAME = { name: 'test', version: '1.0.0' }

test('a server that asks without end is answered a hundred questions at once', async () => {
  const questions = Array.from({ length: 300 }, (_, id) => ({
    jsonrpc: '2.0',
    id: `q${id}`,
    method: 'sampling/createMessage',
    params: { messages: [], maxTokens: 1 },
  }))
  const refused = new Set<unknown>()
  const upstream = await ScriptedUpstream.start(({ method, id }, response) => {
    if (method !== 'tools/call') return undefined
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const question of questions) response.write(`data: ${JSON.stringify(question)}\n\n`)
    void answered.then(() => {
      const result = { content: [{ type: 'text', text: 'done' }] }
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    })
    return undefined
  })
  let [running, most] = [0, 0]
  let finish: () => void = () => undefined
  const enough = new Promise<void>((resolve) => (finish = resolve))
  let over: () => void = () => undefined
  const answered = new Promise<void>((resolve) => (over = resolve))
  upstream.onAnswer = ({ id, error }) => {
    if (error !== undefined) refused.add(id)
    if (refused.size === 200) finish()
  }
  const client = await connected(upstream.url, {
    era: '2025-11-25',
    sampling: async () => {
      running += 1
      most = Math.max(most, running)
      await enough
      running -= 1
      if (running === 0) over()
      return 'hello'
    },
  })
  expect((await client.callTool('it')).data).toBe('done')
  expect(most).toBe(100)
  expect(refused.size).toBe(200)
})

test('a list without end is given up, and says so', async () => {
  let page = 0
  const upstream = await ScriptedUpstream.start(({ method }) =>
    method === 'tools/list' ? { tools: [], nextCursor: `${(page += 1)}` } : undefined,
  )
  const client = await connected(upstream.url, { era: '2025-11-25' })
  await expect(client.listTools()).rejects.toThrow('does not end')
  expect(page).toBeLessThanOrEqual(1000)
}, 30_000)

test('schemas that lead elsewhere are not fetched', async () => {
  let asked = 0
  const elsewhere = createServer((_request, response) => {
    asked += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  onCleanup(() => void elsewhere.close())
  const $ref = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/schema.json`
  const properties = { a: { $ref } }
  const upstream = await ScriptedUpstream.start(({ method }) => {
    if (method === 'tools/list')
      return {
        tools: [
          {
            name: 'it',
            inputSchema: { type: 'object', properties },
            outputSchema: { type: 'object', properties },
          },
        ],
      }
    return method === 'tools/call' ? { content: [], structuredContent: { a: 1 } } : undefined
  })
  const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy' })
  for (const target of [upstream.url, await serve(proxy)]) {
    const client = await connected(target)
    expect((await client.listTools())[0]?.inputSchema).toMatchObject({ properties })
    await client.callTool('it', { a: 1 }, { throwOnError: false })
  }
  const own = new FastMCP(NAME)
  const add = () =>
    own.addTool({ name: 'own', parameters: { type: 'object', properties }, execute: () => '' })
  try {
    add()
    await (await connected(own)).callTool('own', { a: 1 }, { throwOnError: false }).catch(() => undefined)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
  }
  expect(asked).toBe(0)
})

test('a tool whose headers cannot be is left out, alone', async () => {
  const tool = (name: string, header: unknown) => ({
    name,
    inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': header } } },
  })
  const upstream = await ScriptedUpstream.start(
    speaking2026(({ method }) =>
      method === 'tools/list'
        ? {
            resultType: 'complete',
            tools: [tool('good', 'Region'), tool('bad', 'a b'), tool('worse', '')],
            ttlMs: 0,
            cacheScope: 'private',
          }
        : undefined,
    ),
  )
  const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy' })
  for (const target of [upstream.url, await serve(proxy)])
    expect((await (await connected(target)).listTools()).map(({ name }) => name)).toEqual(['good'])
})

test('a server listens on this machine only, unless it is told otherwise', async () => {
  const server = new FastMCP(NAME)
  const { port, url } = await server.start({ httpStream: { port: 0 } })
  onCleanup(() => server.stop())
  expect(url).toBe(`http://localhost:${port}/mcp`)
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all)
  const reached = async (host: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, host)
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      onCleanup(() => void socket.destroy())
    })
  expect(await reached('127.0.0.1')).toBe(true)
  for (const { address, internal, family } of addresses)
    if (!internal && family === 'IPv4') expect(await reached(address), address).toBe(false)
})
