/** The sockets that our client keeps: used again, let go of in time, and none too many. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Client, inMemoryTransports } from 'fastmesh'
import { expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { connected } from '../support/own-client.js'
import { mcpAnswer, plain, RawUpstream, type RawScript } from '../support/raw-upstream.js'

const OLD = { era: '2025-11-25' } as const
const plainly: RawScript = (request) => [plain(mcpAnswer(request))]
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

test('calls at once have a socket each, which those after them use again', async () => {
  const upstream = await RawUpstream.start(plainly)
  const client = await connected(upstream.url, OLD)
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 20 }, () => client.callTool('it')))
  // A call that follows at once does not wait until the socket before it is free.
  expect(upstream.connections).toBeLessThanOrEqual(42)
})

test('a socket that the server closed is not used any more', async () => {
  const upstream = await RawUpstream.start(plainly)
  const client = await connected(upstream.url, OLD)
  for (let round = 0; round < 5; round++) {
    expect((await client.callTool('it')).data).toBe('grüße')
    for (const socket of upstream.sockets) socket.end()
    await expect.poll(() => upstream.sockets.size).toBe(0)
  }
})

test('nor one that it closed while this process was busy', async () => {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const answer = (id, result) => JSON.stringify({ jsonrpc: '2.0', id, result })
     createServer((socket) => {
       socket.on('error', () => {})
       socket.on('data', (bytes) => {
         const { id, method } = JSON.parse(String(bytes).split('\\r\\n\\r\\n')[1] || '{}')
         const result = method === 'initialize'
           ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'w', version: '1' } }
           : { content: [{ type: 'text', text: 'it' }] }
         const body = id === undefined ? '' : answer(id, result)
         const type = body === '' ? '' : 'content-type: application/json\\r\\n'
         socket.write('HTTP/1.1 ' + (body ? 200 : 202) + ' OK\\r\\n' + type + 'content-length: ' + body.length + '\\r\\n\\r\\n' + body)
         setTimeout(() => socket.end(), 200)
       })
     }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })`,
    { eval: true },
  )
  onCleanup(() => worker.terminate())
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const client = await connected(`http://127.0.0.1:${port}/mcp`, OLD)
  await client.callTool('it')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800)
  expect((await client.callTool('it')).data).toBe('it')
})

test('a call that is given up before it could be sent is not sent, and its socket serves others', async () => {
  const upstream = await RawUpstream.start(plainly)
  const client = new Client(upstream.url, OLD)
  onCleanup(() => client.close())
  await client.connect()
  const sent: string[] = []
  upstream.script = (request) => {
    sent.push(JSON.parse(request.body || '{}').method)
    return plainly(request)
  }
  const before = upstream.connections
  const calls = Array.from({ length: 20 }, () => {
    const controller = new AbortController()
    const call = client.callTool('it', {}, { signal: controller.signal })
    controller.abort(new Error('not wanted'))
    return call
  })
  for (const call of calls) await expect(call).rejects.toThrow('not wanted')
  expect((await client.callTool('it')).data).toBe('grüße')
  expect(sent.filter((method) => method === 'tools/call')).toHaveLength(1)
  expect(upstream.connections - before).toBeLessThanOrEqual(22)
})

test('a call that is called off in the middle of its answer takes no more of it', async () => {
  const upstream = await RawUpstream.start((request) =>
    request.body.includes('tools/call')
      ? ['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{']
      : plainly(request),
  )
  const client = await connected(upstream.url, OLD)
  const controller = new AbortController()
  const call = client.callTool('it', {}, { signal: controller.signal })
  const refused = expect(call).rejects.toThrow('enough')
  await expect.poll(() => upstream.connections).toBeGreaterThan(1)
  const [...open] = upstream.sockets
  controller.abort(new Error('enough'))
  await refused
  await expect.poll(() => open.some((socket) => socket.destroyed)).toBe(true)
})

test('a server over TLS is who its certificate says, or is not spoken to', async () => {
  const tls = {
    cert: readFileSync(path('../fixtures/tls/cert.pem')),
    key: readFileSync(path('../fixtures/tls/key.pem')),
  }
  const { port } = new URL(await serve(echoServer(), { tls, host: 'localhost' }))
  const run = async (url: string, env: object): Promise<string> => {
    const args = ['--import', 'tsx', path('../servers/https-client.ts'), url]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
    return stdout.trim()
  }
  const trusting = { NODE_EXTRA_CA_CERTS: path('../fixtures/tls/cert.pem') }
  const url = `https://localhost:${port}/mcp`
  const [trusted, untrusted] = await Promise.all([run(url, trusting), run(url, {})])
  expect(trusted).toBe('plain,plain')
  expect(untrusted).toBe(`https://localhost:${port} cannot be reached: DEPTH_ZERO_SELF_SIGNED_CERT`)
})

test('a signal that fires while a request is sent counts', async () => {
  const controller = new AbortController()
  const [clientSide, serverSide] = inMemoryTransports()
  await echoServer().connect(serverSide)
  const send = clientSide.send.bind(clientSide)
  const told: string[] = []
  clientSide.send = async (message, ...rest) => {
    const { method = '' } = message as { method?: string }
    told.push(method)
    if (method !== 'tools/call') return send(message, ...rest)
    controller.abort(new Error('not wanted'))
  }
  const client = await connected(clientSide, OLD)
  await expect(client.callTool('plain', {}, { signal: controller.signal })).rejects.toThrow('not wanted')
  expect(told.slice(-2)).toEqual(['tools/call', 'notifications/cancelled'])
})

test('nothing is sent any more once a client has been closed', async () => {
  const upstream = await RawUpstream.start(plainly)
  const client = await connected(upstream.url, OLD)
  const late = client.callTool('it')
  await client.close()
  await expect(late).rejects.toMatchObject({ name: 'ConnectionError' })
  await expect.poll(() => upstream.sockets.size).toBe(0)
})
