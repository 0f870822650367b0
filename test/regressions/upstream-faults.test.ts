/** What can be wrong with a server behind a proxy: what callers are told, and that all is well again afterwards. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Client, FastMCP, type ProxyOptions } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { ERAS, onCleanup, serve, type OfficialClient } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { hangs, ScriptedUpstream, type Script } from '../support/scripted-upstream.js'

const call = (client: OfficialClient, name = 'up_it', options?: object) =>
  client.callTool({ name, arguments: {} }, options)
const textOf = ({ content }: object & { content?: unknown }) => (content as [{ text: string }])[0].text

/** A server that has a tool of its own, and a proxy mounted as `up`. */
function before(target: string, options: ProxyOptions = {}) {
  const { logger, lines } = recordingLogger()
  const proxy = FastMCP.asProxy(target, { name: 'weather', logger, ...options })
  const main = new FastMCP({ name: 'main', version: '1.0.0', logger })
    .addTool({ name: 'own', execute: () => 'own' })
    .mount('up', proxy)
  return { main, lines }
}

/** A port that nobody listens on, but somebody might later. */
async function freePort(): Promise<number> {
  const upstream = await ScriptedUpstream.start()
  const { port } = upstream
  await upstream.stop()
  return port
}

describe.each(ERAS)('for $name', ({ connect, era }) => {
  test('a server that is not there at first harms nobody, and is there as soon as it is', async () => {
    const port = await freePort()
    const { main } = before(`http://127.0.0.1:${port}/mcp`)
    const client = await connect(main)
    expect(textOf(await call(client, 'own'))).toBe('own')
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['own'])
    expect(textOf(await call(client))).toBe("upstream 'weather' is unavailable")
    expect(main.status()).toMatchObject({
      ready: true,
      upstreams: [
        {
          name: 'weather',
          state: 'unavailable',
          lastError: expect.stringContaining('cannot be reached') as string,
        },
      ],
    })
    await ScriptedUpstream.start(undefined, port)
    await expect.poll(() => main.status().upstreams[0]?.state, { timeout: 5000 }).toBe('connected')
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['own', 'up_it'])
    expect(textOf(await call(client))).toBe('it')
    expect(main.status().upstreams[0]?.latencyMs).toBeGreaterThan(0)
  })

  test('a server that goes in the middle of a call, and comes back', async () => {
    const upstream = await ScriptedUpstream.start(hangs)
    const { port } = upstream
    const { main, lines } = before(upstream.url)
    const client = await connect(main)
    const calling = call(client)
    await expect.poll(() => upstream.count('tools/call')).toBe(1)
    await upstream.stop()
    expect(await calling).toMatchObject({ isError: true })
    expect(textOf(await calling)).toBe(
      "the connection to upstream 'weather' was lost: it is not known whether this has run",
    )
    expect(lines.join()).toContain('broke')
    expect(textOf(await call(client))).toBe("upstream 'weather' is unavailable")
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('up_it')
    const again = await ScriptedUpstream.start(undefined, port)
    await expect.poll(async () => textOf(await call(client)), { timeout: 8000 }).toBe('it')
    expect(again.count('tools/call')).toBe(1)
  })

  test('a server that does not answer is given up in time, and told so', async () => {
    const upstream = await ScriptedUpstream.start(hangs)
    const client = await connect(before(upstream.url, { timeoutMs: 200 }).main)
    expect(textOf(await call(client))).toBe(
      "upstream 'weather' did not answer in time: it is not known whether this has run",
    )
    await expect.poll(() => upstream.count('notifications/cancelled')).toBe(1)
    upstream.script = () => undefined
    expect(textOf(await call(client))).toBe('it')
  })

  test('a server that forgot its sessions gets new ones, and each call once', async () => {
    const upstream = await ScriptedUpstream.start()
    const client = await connect(before(upstream.url).main)
    await call(client)
    upstream.sessions.clear()
    const [opened, called] = [upstream.count('initialize'), upstream.count('tools/call')]
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(client)))
    expect(new Set(answers.map(textOf))).toEqual(new Set(['it']))
    expect(upstream.count('tools/call') - called).toBe(20)
    // A session gets one again. Each call without a session has its own, and as many are opened ahead, and some again.
    expect(upstream.count('initialize') - opened).toBeLessThanOrEqual(era === '2025-11-25' ? 2 : 50)
  })

  test.each<[string, Script, string]>([
    [
      'HTML',
      (_asked, response) => void response.setHeader('content-type', 'text/html').end('<html>'),
      'was lost',
    ],
    [
      'half of a JSON',
      (_asked, response) => void response.setHeader('content-type', 'application/json').end('{"jso'),
      'was lost',
    ],
    ['nothing', (_asked, response) => void response.writeHead(204).end(), 'was lost'],
    ['a server error', (_asked, response) => void response.writeHead(500).end('secret'), 'was lost'],
    ['too many requests', (_asked, response) => void response.writeHead(429).end(), 'is unavailable'],
    [
      'somewhere else',
      (_asked, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      'is unavailable',
    ],
    [
      "another request's answer",
      (_asked, response) =>
        void response
          .setHeader('content-type', 'application/json')
          .end('{"jsonrpc":"2.0","id":-7,"result":{}}'),
      'was lost',
    ],
    [
      'a stream that ends before the answer',
      (_asked, response) => void response.setHeader('content-type', 'text/event-stream').end(': hello\n\n'),
      'was lost',
    ],
    [
      'a stream that breaks',
      (_asked, response) => {
        response.setHeader('content-type', 'text/event-stream').write('data: {"json')
        setImmediate(() => response.destroy())
        return new Promise(() => undefined)
      },
      'was lost',
    ],
    [
      'more than is taken',
      (_asked, response) => {
        response.setHeader('content-type', 'application/json').write(`{"x":"${'x'.repeat(70_000)}`)
        return new Promise(() => undefined)
      },
      'sent more than is taken',
    ],
    [
      'a stream without end',
      (_asked, response) => {
        response.setHeader('content-type', 'text/event-stream').write(`data: ${'x'.repeat(70_000)}`)
        return new Promise(() => undefined)
      },
      'sent more than is taken',
    ],
  ])('a server that answers with %s', async (_name, script, told) => {
    const upstream = await ScriptedUpstream.start((asked, response) =>
      asked.method === 'tools/call' ? script(asked, response) : undefined,
    )
    const { main } = before(upstream.url, { maxMessageBytes: 65_536 })
    const client = await connect(main)
    const result = await call(client)
    expect(result).toMatchObject({ isError: true })
    expect(textOf(result)).toContain(told)
    expect(textOf(result)).not.toContain('secret')
    expect(upstream.count('tools/call')).toBe(1)
    upstream.script = () => undefined
    await expect.poll(async () => textOf(await call(client)), { timeout: 5000 }).toBe('it')
  })

  test('lists are asked for once by many, and again when they have changed', async () => {
    const upstream = await ScriptedUpstream.start()
    const { main } = before(upstream.url)
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(main)))
    await Promise.all(clients.map((client) => client.listTools()))
    await Promise.all(clients.map((client) => call(client)))
    expect(upstream.count('tools/list')).toBe(1)
  })

  test('of too many calls some wait, and the rest are told to come again', async () => {
    const upstream = await ScriptedUpstream.start()
    const client = await connect(before(upstream.url, { maxConcurrency: 1, maxQueue: 1 }).main)
    await call(client)
    let answer: (result: object) => void = () => undefined
    upstream.script = ({ method }) =>
      method === 'tools/call' ? new Promise((resolve) => (answer = resolve)) : undefined
    const first = call(client)
    await expect.poll(() => upstream.count('tools/call')).toBe(2)
    const others = [call(client), call(client)]
    expect(textOf(await Promise.race(others))).toBe("upstream 'weather' is busy: try again later")
    answer({ content: [{ type: 'text', text: 'first' }] })
    expect(textOf(await first)).toBe('first')
    await expect.poll(() => upstream.count('tools/call')).toBe(3)
    answer({ content: [{ type: 'text', text: 'second' }] })
    expect((await Promise.all(others)).map(textOf)).toContain('second')
  })
})

/** A real process that serves HTTP on a port, and can be killed. */
async function startProcess(port = 0): Promise<{ child: ChildProcess; port: number }> {
  const file = new URL('../servers/killable.ts', import.meta.url)
  const child = fork(file, [String(port)], { execArgv: ['--import', 'tsx'] })
  onCleanup(() => child.kill('SIGKILL'))
  const [message] = (await once(child, 'message')) as [{ port: number }]
  return { child, port: message.port }
}

test.each(ERAS)(
  'a process that is killed in the middle of a call, and started again, for $name',
  async ({ connect }) => {
    const { child, port } = await startProcess()
    const { main } = before(`http://127.0.0.1:${port}/mcp`)
    const client = await connect(main)
    expect(textOf(await call(client, 'up_pid'))).toBe(String(child.pid))
    const waiting = call(client, 'up_wait')
    await once(child, 'message')
    child.kill('SIGKILL')
    expect(textOf(await waiting)).toContain('it is not known whether this has run')
    expect(textOf(await call(client, 'own'))).toBe('own')
    const again = await startProcess(port)
    await expect
      .poll(async () => textOf(await call(client, 'up_pid')), { timeout: 10_000 })
      .toBe(String(again.child.pid))
  },
  30_000,
)

test.each(ERAS)(
  'a process on stdio that is killed in the middle of a call is started again, for $name',
  async ({ connect }) => {
    const file = new URL('../servers/killable.ts', import.meta.url).pathname
    const target = { command: process.execPath, args: ['--import', 'tsx', file, 'stdio'] }
    const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount(
      'up',
      FastMCP.asProxy(target, { name: 'weather' }),
    )
    const client = await connect(main)
    const pid = Number(textOf(await call(client, 'up_pid')))
    const waiting = call(client, 'up_wait')
    await expect.poll(() => main.status().upstreams[0]?.pending).toBe(1)
    process.kill(pid, 'SIGKILL')
    expect(textOf(await waiting)).toContain('it is not known whether this has run')
    const next = Number(
      await expect
        .poll(async () => textOf(await call(client, 'up_pid')), { timeout: 10_000 })
        .toMatch(/^\d+$/)
        .then(async () => textOf(await call(client, 'up_pid'))),
    )
    expect(next).not.toBe(pid)
    await main.stop()
    expect(() => process.kill(next, 0)).toThrow()
  },
  30_000,
)

test('a server that is stopped while upstreams are away leaves nothing', async () => {
  const { main } = before(`http://127.0.0.1:${await freePort()}/mcp`)
  await serve(main)
  await expect.poll(() => main.status().upstreams[0]?.state).toBe('unavailable')
  await main.stop()
  expect(main.status().upstreams[0]?.state).toBe('idle')
})

test('a server that is started again is connected to anew by itself, and what it has now is told', async () => {
  const make = (name: string) =>
    new FastMCP({ name: 'up', version: '1.0.0' }).addTool({ name, execute: () => name })
  const first = make('before')
  const { url, port } = await first.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  const proxy = FastMCP.asProxy(url, { era: '2025-11-25', name: 'weather', logger: recordingLogger().logger })
  const client = await ERAS[0]!.connect(proxy)
  const names = async () => (await client.listTools()).tools.map(({ name }) => name)
  expect(await names()).toEqual(['before'])
  await first.stop()
  const second = make('after')
  await second.start({ httpStream: { port, host: '127.0.0.1' } })
  onCleanup(() => second.stop())
  await expect.poll(names, { timeout: 10_000 }).toEqual(['after'])
}, 20_000)

test('no more processes are started than may be', async () => {
  const file = new URL('../servers/killable.ts', import.meta.url).pathname
  const target = { command: process.execPath, args: ['--import', 'tsx', file, 'stdio'] }
  const { logger } = recordingLogger()
  const proxy = FastMCP.asProxy(target, { name: 'weather', maxConnections: 1, logger })
  const url = await serve(proxy)
  const options = { era: '2025-11-25' } as const
  const [first, second] = [await Client.connect(url, options), await Client.connect(url, options)]
  onCleanup(() => second.close())
  const pid = async (client: Client) => (await client.callTool('pid', {}, { throwOnError: false })).data
  expect(await pid(first)).toMatch(/^\d+$/)
  expect(await pid(second)).toBe("upstream 'weather' is busy: try again later")
  await first.close()
  await expect.poll(() => pid(second), { timeout: 8000 }).toMatch(/^\d+$/)
}, 30_000)

test('a proxy to itself ends, and serves what else there is', async () => {
  const port = await freePort()
  const main = new FastMCP({ name: 'main', version: '1.0.0', logger: recordingLogger().logger })
    .addTool({ name: 'own', execute: () => 'own' })
    .mount(
      FastMCP.asProxy(`http://127.0.0.1:${port}/mcp`, { name: 'itself', logger: recordingLogger().logger }),
    )
  await main.start({ httpStream: { port, host: '127.0.0.1' } })
  onCleanup(() => main.stop())
  await expect.poll(() => main.status().upstreams[0]?.state, { timeout: 5000 }).toBe('connected')
  const client = await connected(`http://127.0.0.1:${port}/mcp`)
  expect((await client.listTools()).map(({ name }) => name)).toEqual(['own'])
  await expect(client.readResource('note://nowhere')).rejects.toThrow('Resource not found')
  expect((await client.callTool('own')).data).toBe('own')
})

test('what has come through too many proxies is refused', async () => {
  const url = await serve(new FastMCP({ name: 'main', version: '1.0.0' }))
  const headers = { via: Array.from({ length: 16 }, () => '1.1 somebody').join(', ') }
  await expect(Client.connect(url, { headers, era: '2025-11-25' })).rejects.toMatchObject({ code: -32600 })
  expect((await fetch(url, { headers })).status).toBe(508)
})

test('proxies that lead to each other list each other once', async () => {
  const { logger } = recordingLogger()
  const far = new FastMCP({ name: 'far', version: '1.0.0', logger }).addTool({
    name: 'leaf',
    execute: () => 'leaf',
  })
  const url = await serve(far)
  const near = new FastMCP({ name: 'near', version: '1.0.0', logger })
    .addTool({ name: 'own', execute: () => 'own' })
    .mount('far', FastMCP.asProxy(url, { logger }))
  const nearUrl = await serve(near)
  far.mount('back', FastMCP.asProxy(nearUrl, { logger }))
  for (const { era } of ERAS) {
    const client = await connected(nearUrl, { era })
    for (let time = 0; time < 3; time++)
      expect((await client.listTools()).map(({ name }) => name)).toEqual(['own', 'far_leaf', 'far_back_own'])
    expect((await client.callTool('far_back_own')).data).toBe('own')
  }
})
