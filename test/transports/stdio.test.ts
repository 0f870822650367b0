import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client as ClientV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { Client as Client2024 } from 'mcp-sdk-2024-11-05/client/index.js'
import { StdioClientTransport as Stdio2024 } from 'mcp-sdk-2024-11-05/client/stdio.js'
import { describe, expect, test } from 'vitest'
import { onCleanup } from '../support/clients.js'
import { problemsOf } from '../support/wire-schemas.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMAND = {
  command: process.execPath,
  args: ['--import', 'tsx', 'test/servers/stdio-server.ts'],
  cwd: ROOT,
}
const INFO = { name: 'test', version: '1.0.0' }

type Client = ClientV2

const CLIENTS: [string, string, () => Promise<Client>][] = [
  ...(['legacy', 'auto', { pin: '2026-07-28' }] as const).map(
    (mode): [string, string, () => Promise<Client>] => [
      `v2 ${typeof mode === 'string' ? mode : 'pinned'}`,
      mode === 'legacy' ? '2025-11-25' : '2026-07-28',
      async () => {
        const client = new ClientV2(INFO, { versionNegotiation: { mode } })
        await client.connect(new StdioV2({ ...COMMAND, stderr: 'ignore' }))
        return client
      },
    ],
  ),
  [
    'v1',
    '2025-11-25',
    async () => {
      const client = new ClientV1(INFO)
      await client.connect(new StdioV1({ ...COMMAND, stderr: 'ignore' }))
      const callTool = client.callTool.bind(client)
      return Object.assign(client, {
        callTool: (params: never, options: never) => callTool(params, undefined, options),
      }) as unknown as Client
    },
  ],
  [
    'of 2024',
    '2024-11-05',
    async () => {
      const client = new Client2024(INFO, { capabilities: {} })
      await client.connect(new Stdio2024({ ...COMMAND, stderr: 'ignore' } as never))
      return client as unknown as Client
    },
  ],
]

describe.each(CLIENTS)('the official client %s, over stdio', (_name, era, connect) => {
  test('lists, calls, and is told of changes and failures', async () => {
    const client = await connect()
    onCleanup(() => client.close())
    let wake: () => void = () => {}
    const told = new Promise<void>((resolve) => (wake = resolve))
    client.fallbackNotificationHandler = async ({ method }) => {
      if (method === 'notifications/tools/list_changed') wake()
    }
    if (era === '2026-07-28') await client.listen({ toolsListChanged: true })
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const text = async (name: string, args: object = {}) =>
      ((await client.callTool({ name, arguments: args as never })).content as { text: string }[])[0]!.text
    expect(await text('echo', { text: 'ü\n\u2028' })).toBe('ü\n\u2028')
    expect(await text('noisy')).toBe('quiet')
    expect(await text('throws')).toBe("Error calling tool 'throws'")
    expect(await text('large')).toHaveLength(1_000_000)
    const all = await Promise.all(Array.from({ length: 50 }, (_, n) => text('echo', { text: String(n) })))
    expect(all).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
    await text('grow')
    await told
  })

  test('hears of progress, and calls off', async () => {
    const client = await connect()
    onCleanup(() => client.close())
    if (era !== '2024-11-05') {
      const heard: number[] = []
      await client.callTool(
        { name: 'progress', arguments: {} },
        { onprogress: ({ progress }) => heard.push(progress) },
      )
      expect(heard).toEqual([1, 2, 3])
      const controller = new AbortController()
      const call = client.callTool({ name: 'slow', arguments: { ms: 60_000 } }, { signal: controller.signal })
      const outcome = call.catch((error: Error) => error)
      controller.abort('enough')
      expect(await outcome).toBeInstanceOf(Error)
    }
    expect((await client.callTool({ name: 'echo', arguments: { text: 'on' } })).content).toEqual([
      { type: 'text', text: 'on' },
    ])
  })
})

/** The process itself, its lines as they come. */
class Process {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: unknown[] = []
  stderr = ''
  readonly #changed = new EventEmitter().setMaxListeners(0)

  constructor() {
    this.child = spawn(COMMAND.command, COMMAND.args, { cwd: ROOT })
    createInterface(this.child.stdout).on('line', (line) => {
      this.lines.push(JSON.parse(line))
      this.#changed.emit('changed')
    })
    this.child.stderr.on('data', (chunk) => {
      this.stderr += String(chunk)
      this.#changed.emit('changed')
    })
    this.child.stdin.on('error', () => {})
    onCleanup(() => this.child.kill('SIGKILL'))
  }

  send(...messages: unknown[]): void {
    this.child.stdin.write(
      messages
        .map((message) => `${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
        .join(''),
    )
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#changed, 'changed')
  }

  async answer(id: unknown): Promise<unknown> {
    const found = () => this.lines.find((line) => (line as { id: unknown }).id === id)
    await this.until(() => found() !== undefined)
    return found()
  }

  async exited(): Promise<number | string> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const [code, signal] = (await once(this.child, 'exit')) as [number | null, string | null]
    return code ?? signal ?? 'unknown'
  }
}

const initialize = (version: string) => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: version, capabilities: {}, clientInfo: INFO },
})
const call = (id: unknown, name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})
const alone = (id: unknown, method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})

describe('the process', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'says only what %s allows',
    async (version) => {
      const server = new Process()
      server.send(initialize(version), { jsonrpc: '2.0', method: 'notifications/initialized' })
      server.send(call(1, 'noisy'), call(2, 'grow'), call(3, 'throws'), {
        jsonrpc: '2.0',
        id: 4,
        method: 'tools/list',
      })
      await Promise.all([1, 2, 3, 4].map((id) => server.answer(id)))
      const methods = new Map<unknown, string>([
        ['init', 'initialize'],
        [4, 'tools/list'],
        [1, 'tools/call'],
        [2, 'tools/call'],
        [3, 'tools/call'],
      ])
      for (const line of server.lines)
        expect(problemsOf(line, version, methods.get((line as { id?: unknown }).id))).toEqual([])
      expect(JSON.stringify(server.lines)).not.toContain('hunter2')
      expect(server.stderr).toContain('a stray console.log')
      expect(server.stderr).toContain('a stray write')
    },
  )

  test('serves both eras to one client', async () => {
    const server = new Process()
    server.send(
      alone(1, 'server/discover'),
      initialize('2025-11-25'),
      alone(2, 'tools/call', { name: 'echo', arguments: { text: 'new' } }),
    )
    server.send(call(3, 'echo', { text: 'old' }), alone(4, 'ping'))
    expect(await server.answer(1)).toMatchObject({ result: { resultType: 'complete' } })
    expect(await server.answer(2)).toMatchObject({
      result: { resultType: 'complete', content: [{ text: 'new' }] },
    })
    expect(await server.answer(3)).toMatchObject({ result: { content: [{ text: 'old' }] } })
    expect(await server.answer(3)).not.toHaveProperty('result.resultType')
    expect(await server.answer(4)).toMatchObject({ error: { code: -32601 } })
    for (const line of server.lines.filter((line) => [1, 2, 4].includes((line as { id: number }).id)))
      expect(
        problemsOf(line, '2026-07-28', (line as { id: number }).id === 2 ? 'tools/call' : undefined),
      ).toEqual([])
  })

  test('wants initialize first', async () => {
    const server = new Process()
    server.send({ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'tools/list' })
    expect(await server.answer(1)).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    expect(await server.answer(2)).toMatchObject({ error: { code: -32600 } })
  })

  test('reads lines however they come', async () => {
    const server = new Process()
    const ping = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping', params: { pad: 'ü' } })
    const bytes = Buffer.from(`${ping('a')}\r\n\n  \n${ping('b')}\n`)
    for (const byte of bytes) server.child.stdin.write(Buffer.from([byte]))
    server.send('{broken', '[]', 'null', '["x"]', ping('c'))
    server.child.stdin.write(ping('last'))
    server.child.stdin.end()
    for (const id of ['a', 'b', 'c', 'last'])
      expect(await server.answer(id)).toEqual({ jsonrpc: '2.0', id, result: {} })
    const errors = server.lines.flatMap((line) => (line as { error?: { code: number } }).error?.code ?? [])
    expect(errors).toEqual([-32700, -32600, -32600, -32600])
    expect(await server.exited()).toBe(0)
  })

  test('refuses a giant line, and goes on', async () => {
    const server = new Process()
    for (let sent = 0; sent < 12; sent++) server.child.stdin.write('x'.repeat(1024 * 1024))
    server.send('', { jsonrpc: '2.0', id: 1, method: 'ping' })
    expect(await server.answer(1)).toMatchObject({ result: {} })
    expect(server.lines[0]).toMatchObject({ error: { code: -32600 } })
  })

  test('finishes what runs when its client closes, then ends, whatever user code left open', async () => {
    const server = new Process()
    server.send(initialize('2025-11-25'), call(1, 'slow', { ms: 300 }))
    await server.answer('init')
    server.child.stdin.end()
    expect(await server.exited()).toBe(0)
    expect(server.lines.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'waited' }] } })
  })

  test('loses nothing to a slow reader', async () => {
    const server = new Process()
    server.child.stdout.pause()
    server.send(initialize('2025-11-25'), ...Array.from({ length: 20 }, (_, id) => call(id, 'large')))
    server.child.stdin.end()
    server.child.stdout.resume()
    await server.exited()
    expect(server.lines).toHaveLength(21)
  })

  test('ends when nobody reads it any more', async () => {
    const server = new Process()
    server.send(initialize('2025-11-25'))
    await server.answer('init')
    server.child.stdout.destroy()
    server.send(call(1, 'slow', { ms: 60_000 }), call(2, 'large'), call(3, 'large'))
    expect(await server.exited()).toBe(0)
    expect(server.stderr).not.toMatch(/EPIPE|Unhandled/)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('ends on %s, what runs finished', async (signal) => {
    const server = new Process()
    server.send(
      initialize('2025-11-25'),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      call(1, 'slow', { ms: 300 }),
    )
    await server.until(() =>
      server.lines.some((line) => (line as { method?: string }).method === 'notifications/message'),
    )
    server.child.kill(signal)
    expect(await server.exited()).toBe(0)
    expect(server.lines.at(-1)).toMatchObject({ id: 1, result: {} })
  })
})
