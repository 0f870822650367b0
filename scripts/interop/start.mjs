/** Starts servers and proxies, and gives a client's transport to each. */
import { spawn } from 'node:child_process'
import { createServer, connect as connectTo } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { FastMCP } from 'fastmesh'

const READY_MS = 30_000
const STDERR_LENGTH = 2_000

/** A server without a proxy: a transport to it, what it wrote to stderr, and how it ends. */
export async function direct(target) {
  if (target.transport === undefined) {
    const transport = new StdioClientTransport({ ...target, stderr: 'pipe' })
    const stderr = tail(transport.stderr)
    return { transport, stderr, stop: () => transport.close() }
  }
  const { url, stderr, stop } = await listening(target)
  const Transport = target.transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport
  return { transport: new Transport(new URL(url)), stderr, stop }
}

/** The same server behind a proxy, which a client reaches through `front`: `http`, `sse` or `memory`. */
export async function proxied(target, { front, verbose }) {
  const served = target.transport === undefined ? undefined : await listening(target)
  const log = []
  const note = (...args) => log.push(args.map(String).join(' '))
  const logger = { debug: () => undefined, info: () => undefined, warn: note, error: note }
  const { command, args, env, cwd } = target
  const local = { command, args, env, cwd, stderr: verbose ? 'inherit' : 'ignore' }
  const proxy = FastMCP.asProxy(served?.url ?? local, { logger })
  const stop = async () => {
    await proxy.stop()
    await served?.stop()
  }
  const stderr = () => [...log, served?.stderr() ?? ''].join('\n').trim()
  try {
    return { transport: await transportTo(proxy, front), stderr, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function transportTo(proxy, front) {
  if (front === 'memory') {
    const [near, far] = InMemoryTransport.createLinkedPair()
    await proxy.connect(far)
    return near
  }
  const { url } = await proxy.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  return front === 'sse'
    ? new SSEClientTransport(new URL(String(url).replace(/mcp$/, 'sse')))
    : new StreamableHTTPClientTransport(new URL(url))
}

/** Starts a server that listens on a port. */
async function listening({ command, args, env, cwd, path }) {
  const port = await freePort()
  const child = spawn(
    command,
    args.map((arg) => arg.replace('{port}', String(port))),
    {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const stderr = tail(child.stderr)
  const stop = () => end(child)
  const until = Date.now() + READY_MS
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${stderr()}`)
    if (Date.now() > until) {
      await stop()
      throw new Error(`does not listen: ${stderr()}`)
    }
    await delay(100)
  }
  return { url: `http://127.0.0.1:${port}${path}`, stderr, stop }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await ended
  clearTimeout(timer)
}

function tail(stream) {
  let text = ''
  stream?.on('data', (chunk) => (text = (text + String(chunk)).slice(-STDERR_LENGTH)))
  return () => text
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connectTo(port, '127.0.0.1')
    const answer = (accepted) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}
