import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  Client,
  FastMCP,
  inMemoryTransports,
  StdioTransport,
  ToolError,
  type ClientTarget,
  type EraName,
  type LogMessage,
  type Progress,
} from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { featured } from '../servers/featured.js'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { hangs, ScriptedUpstream } from '../support/scripted-upstream.js'

const NAME = { name: 'test', version: '1.0.0' }
const FILE = new URL('../servers/featured.ts', import.meta.url).pathname
const COMMAND = { command: process.execPath, args: ['--import', 'tsx', FILE] }

async function givenTransport() {
  const [clientSide, serverSide] = inMemoryTransports()
  const server = featured()
  onCleanup(() => server.stop())
  await server.connect(serverSide)
  return clientSide
}

const TARGETS: [name: string, target: () => ClientTarget | Promise<ClientTarget>, eras: EraName[]][] = [
  ['a URL', () => serve(featured()), ['2025-11-25', '2026-07-28']],
  ['a URL that ends in /sse', async () => (await serve(featured())).replace(/mcp$/, 'sse'), ['2025-11-25']],
  ['a .ts file', () => FILE, ['2025-11-25', '2026-07-28']],
  ['a command', () => COMMAND, ['2026-07-28']],
  ['a transport of stdio', () => new StdioTransport(COMMAND), ['2025-11-25']],
  ['a transport', givenTransport, ['2025-11-25', '2026-07-28']],
  ['a FastMCP', () => featured(), ['2025-11-25', '2026-07-28']],
]

describe.each(TARGETS.flatMap(([name, target, eras]) => eras.map((era) => ({ name, target, era }))))(
  'a client of $name in $era',
  ({ target, era }) => {
    test('lists all pages, calls, reads, gets, completes, asks, logs, reports, subscribes', async () => {
      const logged: LogMessage[] = []
      const reports: Progress[] = []
      const changed: string[] = []
      const client = await connected(await target(), {
        era,
        elicitation: ({ mode }: { mode?: string }) =>
          mode === 'url' ? { action: 'cancel' } : { action: 'accept', content: { name: 'Ann' } },
        sampling: () => 'said',
        roots: () => ['/srv', 'file:///else'],
        onLog: (message: LogMessage) => logged.push(message),
        onListChanged: (what: string) => changed.push(what),
      })
      expect(client).toMatchObject({ era, serverInfo: { name: 'featured' }, instructions: 'Use it all' })
      expect((await client.listTools()).length).toBeGreaterThan(14)
      expect((await client.listResources()).map(({ uri }) => uri)).toContain('urn:isbn:0')
      expect(await client.listResourceTemplates()).toHaveLength(1)
      expect((await client.listPrompts()).map(({ name }) => name)).toEqual(['greet', 'asked'])
      const described = await client.callTool('described', { a: 1 })
      expect(described).toMatchObject({ data: { sum: 2 }, structuredContent: { sum: 2 } })
      expect((await client.callTool('typed', { n: 2 })).data).toBe('4')
      expect(await client.readResource('data://text')).toMatchObject({ contents: [{ text: 'text' }] })
      expect((await client.getPrompt('greet', { who: 'Bob' })).description).toBe('Said so')
      const ref = { type: 'ref/prompt', name: 'greet' } as const
      expect(await client.complete({ ref, argument: { name: 'who', value: 'An' } })).toEqual({
        values: ['Ann', 'Anton'],
      })
      // What the user left alone has its default.
      expect((await client.callTool('asks')).data).toBe(
        '{"action":"accept","content":{"name":"Ann","age":7}}',
      )
      expect((await client.callTool('shows')).data).toBe('{"action":"cancel"}')
      expect((await client.callTool('samples')).data).toContain('said')
      expect((await client.callTool('roots')).data).toBe('[{"uri":"file:///srv"},{"uri":"file:///else"}]')
      await client.setLoggingLevel('warning')
      await client.callTool('logs')
      await expect.poll(() => logged.map(({ level }) => level)).toEqual(['warning'])
      await client.callTool('progresses', {}, { onProgress: (report) => reports.push(report) })
      expect(reports.map(({ progress, total, message }) => [progress, total, message])).toEqual([
        [1, 3, 'step 1'],
        [2, 3, 'step 2'],
        [3, 3, 'step 3'],
      ])
      const updates: string[] = []
      const stop = await client.subscribe('data://touched', (uri) => updates.push(uri))
      await client.callTool('touch')
      await expect.poll(() => updates).toEqual(['data://touched'])
      await stop()
      await client.callTool('toggle')
      await expect.poll(() => changed).toContain('tools')
      await client.ping()
    }, 30_000)

    test('throws what went wrong, and says in time what did not come', async () => {
      const client = await connected(await target(), { era })
      const failing = client.callTool('fails')
      await expect(failing).rejects.toThrow(ToolError)
      await expect(failing).rejects.toMatchObject({ message: 'It failed', result: { isError: true } })
      expect(await client.callTool('fails', {}, { throwOnError: false })).toMatchObject({ isError: true })
      await expect(client.callTool('nothing')).rejects.toMatchObject({ code: -32602 })
      await expect(client.callTool('asks')).rejects.toMatchObject({ code: -32021 })
      await expect(client.callTool('wait', {}, { timeoutMs: 50 })).rejects.toMatchObject({
        name: 'RequestTimeoutError',
        outcome: 'unknown',
      })
      const controller = new AbortController()
      const calling = client.callTool(
        'wait',
        {},
        {
          signal: controller.signal,
          onProgress: () => {
            controller.abort(new Error('enough'))
          },
        },
      )
      await expect(calling).rejects.toThrow('enough')
      await expect.poll(async () => Number((await client.callTool('cancelled')).data)).toBe(2)
    }, 30_000)
  },
)

test('a server of 2024 is found to be one, at whatever path', async () => {
  const target = new URL(await serve(featured()))
  const http = createServer((request, response) => {
    const { method, url: path = '', headers } = request
    // It streams where others take what is posted.
    if (method === 'POST' && path === '/mcp') {
      response.writeHead(405).end()
      return
    }
    const onwards = {
      host: '127.0.0.1',
      port: target.port,
      method,
      path: path.replace('/mcp', '/sse'),
      headers,
    }
    request.pipe(
      httpRequest(onwards, (answer) =>
        answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers)),
      ),
    )
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onCleanup(() => {
    http.closeAllConnections()
    http.close()
  })
  const client = await connected(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
  expect(client.protocolVersion).toBe('2025-11-25')
  expect((await client.callTool('constructor')).data).toContain('named')
})

test('a forgotten session is opened anew without the caller noticing', async () => {
  const upstream = await ScriptedUpstream.start()
  const client = await connected(upstream.url)
  await client.callTool('it')
  upstream.sessions.clear()
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.callTool('it')))
  expect(answers.map(({ data }) => data)).toEqual(Array(20).fill('it'))
  expect(upstream.count('initialize')).toBe(2)
  expect(upstream.count('tools/call')).toBe(21)
})

test('a request whose outcome is unknown is not repeated, whatever it asks for', async () => {
  const upstream = await ScriptedUpstream.start()
  const client = await connected(upstream.url)
  upstream.script = ({ method }, response) => {
    if (method === 'tools/call' || (method === 'tools/list' && upstream.count('tools/list') === 1))
      response.destroy()
    return undefined
  }
  await expect(client.callTool('it')).rejects.toMatchObject({ name: 'ConnectionError', outcome: 'unknown' })
  expect(upstream.count('tools/call')).toBe(1)
  await expect(client.listTools()).rejects.toMatchObject({ outcome: 'unknown' })
  expect(await client.listTools()).toHaveLength(1)
  expect(upstream.count('tools/list')).toBe(2)
})

test('a process that dies is started again by the next call', async () => {
  const file = new URL('../servers/killable.ts', import.meta.url).pathname
  const client = await connected({ command: process.execPath, args: ['--import', 'tsx', file, 'stdio'] })
  const pid = Number((await client.callTool('pid')).data)
  const waiting = client.callTool('wait')
  process.kill(pid, 'SIGKILL')
  await expect(waiting).rejects.toMatchObject({ outcome: 'unknown' })
  const next = Number((await client.callTool('pid')).data)
  expect(next).not.toBe(pid)
  await client.close()
  expect(() => process.kill(next, 0)).toThrow()
})

test('what a process started and left behind ends with it', async () => {
  const script = `
    const { spawn } = require('node:child_process')
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } } }))
      else if (method === 'tools/call') {
        const child = spawn('sleep', ['60'], { stdio: 'inherit' })
        console.log(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: child.pid } }))
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)
      } else if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }))
    })`
  let orphan = 0
  const onLog = ({ data }: LogMessage) => void (orphan = Number(data))
  const client = await connected(
    { command: process.execPath, args: ['-e', script] },
    { onLog, era: '2025-11-25' },
  )
  await expect(client.callTool('x')).rejects.toMatchObject({ outcome: 'unknown' })
  expect(orphan).toBeGreaterThan(0)
  await expect.poll(() => isRunning(orphan)).toBe(false)
})

/** Whether a process does anything still: one that has ended may stay in the table until its parent asks for it. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test('what is no server is refused, and what is not there is told', async () => {
  expect(() => new Client('no such thing')).toThrow(TypeError)
  expect(() => new Client({} as never)).toThrow(TypeError)
  expect(() => new Client('ftp://example.com')).toThrow(TypeError)
  await expect(Client.connect({ command: '/no/such/program' })).rejects.toMatchObject({
    outcome: 'not begun',
  })
  await expect(Client.connect('http://127.0.0.1:9/mcp')).rejects.toMatchObject({ outcome: 'not begun' })
  const silent = await ScriptedUpstream.start(() => new Promise(() => undefined))
  await expect(Client.connect(silent.url, { connectTimeoutMs: 100 })).rejects.toThrow('within 100 ms')
})

test('headers and tokens go with each request, and to nobody else', async () => {
  const upstream = await ScriptedUpstream.start()
  let count = 0
  const client = await connected(upstream.url, {
    auth: 'secret',
    headers: () => ({ 'x-count': String((count += 1)) }),
  })
  await client.callTool('it')
  expect(new Set(upstream.asked.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer secret']),
  )
  expect(upstream.asked.at(-1)?.headers['x-count']).toMatch(/^\d+$/)
  const elsewhere = await ScriptedUpstream.start()
  upstream.script = (_asked, response) => void response.writeHead(307, { location: elsewhere.url }).end()
  await expect(client.callTool('it')).rejects.toThrow(
    `redirects to another origin, ${new URL(elsewhere.url).origin}`,
  )
  expect(elsewhere.asked).toEqual([])
})

test('several servers are one: one that is not there harms no other, and comes back', async () => {
  const hanging = await ScriptedUpstream.start(hangs)
  const { port } = hanging
  await hanging.stop()
  const weather = new FastMCP(NAME).addTool({
    name: 'forecast',
    parameters: z.object({ city: z.string() }),
    execute: async ({ city }, { elicit }) => {
      const { action } = await elicit({ message: city, schema: z.object({}) })
      return `${city} ${action}`
    },
  })
  const client = await connected(
    {
      mcpServers: {
        weather: { url: await serve(weather) },
        files: COMMAND,
        dead: { url: `http://127.0.0.1:${port}/mcp` },
      },
    },
    { elicitation: () => ({ action: 'decline' }) },
  )
  const names = (await client.listTools()).map(({ name }) => name)
  expect(names).toContain('weather_forecast')
  expect(names).toContain('files_described')
  expect((await client.callTool('weather_forecast', { city: 'London' })).data).toBe('London decline')
  expect(await client.readResource('data://files/text')).toMatchObject({
    contents: [{ uri: 'data://files/text' }],
  })
  await expect(client.callTool('dead_it')).rejects.toThrow("upstream 'dead' is unavailable")
  expect(client.servers).toMatchObject({
    weather: { state: 'connected' },
    files: { state: 'connected' },
    dead: { state: 'unavailable' },
  })
  await ScriptedUpstream.start(undefined, port)
  await expect
    .poll(async () => (await client.callTool('dead_it', {}, { throwOnError: false })).data, { timeout: 8000 })
    .toBe('it')
}, 30_000)
