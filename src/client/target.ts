import { nodeModule } from '../runtime/node-modules.js'
import { inMemoryTransports } from '../transports/in-memory.js'
import type { Credentials } from '../sessions/sinks.js'
import type { Transport } from '../transports/transport.js'
import type { AuthorizationResponse } from './http/authorization.js'
import { HttpAccess, type HttpTransportOptions } from './http/http-access.js'
import { SSETransport } from './http/sse-transport.js'
import { StreamableHTTPTransport } from './http/streamable-http-transport.js'
import { StdioTransport, type StdioTransportOptions } from './stdio-transport.js'

/** A server that is there in this process: a `FastMCP`, or the official SDK's. */
export interface InProcessServer {
  connect(transport: Transport): Promise<unknown>
}

/** A server at an address, and what it is to be shown. */
export interface UrlTarget extends HttpTransportOptions {
  readonly url: string | URL
  /** Default: streamable HTTP first, HTTP+SSE where the server is old or the path ends in `/sse`. */
  readonly transport?: 'http' | 'streamable-http' | 'streamableHttp' | 'sse' | undefined
}

/**
 * Where a server is: a URL; a `.ts`, `.js` or `.py` file; a command; a transport; or a server of this process.
 */
export type ServerTarget = string | URL | UrlTarget | StdioTransportOptions | Transport | InProcessServer

/** Makes a transport, which sends `headers` with each request where there are any. */
export type Way = (
  headers?: () => Readonly<Record<string, string>>,
  /** On whose behalf it is sent, where the other side takes our word for that. */
  credentials?: () => Credentials | undefined,
) => Transport | Promise<Transport>

/** Makes connections to one server. */
export interface Connector {
  /** How a person reads where it is. */
  readonly label: string
  readonly kind: 'http' | 'process' | 'memory' | 'given'
  /** The ways to connect, the first that works being the one to take. */
  readonly ways: readonly Way[]
  /** Go on after the user has been sent to the authorization server and back. */
  finishAuth?(response: AuthorizationResponse): Promise<void>
  /** Let go of what the connections share. */
  close(): void
}

/** @throws TypeError for what is no server. */
export function connectorTo(target: ServerTarget, options: HttpTransportOptions = {}): Connector {
  if (target instanceof URL) return overHttp({ ...options, url: target })
  if (typeof target === 'string')
    return /^https?:\/\//i.test(target)
      ? overHttp({ ...options, url: target })
      : overStdio(commandFor(target))
  if ('url' in target) return overHttp({ ...options, ...target })
  if ('command' in target) return overStdio(target)
  if (isTransport(target)) return given(target)
  if ('connect' in target && typeof target.connect === 'function') return inMemory(target)
  throw new TypeError('A server is a URL, a file, a command, a transport or a FastMCP')
}

function isTransport(target: object): target is Transport {
  return ['start', 'send', 'close'].every(
    (name) => typeof (target as Record<string, unknown>)[name] === 'function',
  )
}

function overHttp({ url, transport, ...options }: UrlTarget): Connector {
  const access = new HttpAccess(url, options)
  const { pathname, href } = access.requests.url
  const streamable: Way = (headers) => new StreamableHTTPTransport(url, access, headers)
  const sse: Way = (headers) => new SSETransport(url, access, headers)
  const guessed = /\/sse\/?$/.test(pathname) ? [sse, streamable] : [streamable, sse]
  const chosen = transport === 'sse' ? [sse] : [streamable]
  return {
    label: href,
    kind: 'http',
    ways: transport === undefined ? guessed : chosen,
    finishAuth: (response) => access.finishAuth(response),
    close: () => {
      access.close()
    },
  }
}

function overStdio(options: StdioTransportOptions): Connector {
  if (typeof options.command !== 'string' || options.command === '')
    throw new TypeError('A server that is a process needs a command')
  const label = [options.command, ...(options.args ?? [])].join(' ')
  return { label, kind: 'process', ways: [() => new StdioTransport(options)], close: () => undefined }
}

function given(transport: Transport): Connector {
  let isTaken = false
  const take = (): Transport => {
    if (isTaken)
      throw new TypeError('A transport can be connected once: give a URL or a command to connect again')
    isTaken = true
    return transport
  }
  return { label: 'a transport', kind: 'given', ways: [take], close: () => undefined }
}

function inMemory(server: InProcessServer): Connector {
  const connect: Way = async (_headers, credentials) => {
    const [clientSide, serverSide] = inMemoryTransports()
    clientSide.credentials = credentials
    await server.connect(serverSide)
    return clientSide
  }
  return { label: 'a server in memory', kind: 'memory', ways: [connect], close: () => undefined }
}

/** How a file that holds a server is run. TypeScript runs through tsx, which has to be installed beside it. */
function commandFor(file: string): StdioTransportOptions {
  const { process } = globalThis as { process?: NodeJS.Process }
  const node = process?.execPath ?? 'node'
  if (/\.py$/i.test(file))
    return { command: process?.platform === 'win32' ? 'python' : 'python3', args: [file] }
  if (/\.[cm]?js$/i.test(file)) return { command: node, args: [file] }
  if (/\.[cm]?tsx?$/i.test(file)) return { command: node, args: ['--import', tsx(file), file] }
  throw new TypeError(
    `'${file}' is neither a URL nor a .ts, .js or .py file: give { command, args } to start a program`,
  )
}

function tsx(file: string): string {
  const { createRequire } = nodeModule('node:module', 'run the server yourself')
  const { pathToFileURL } = nodeModule('node:url', 'run the server yourself')
  try {
    return pathToFileURL(createRequire(new URL(file, pathToFileURL(`${process.cwd()}/`))).resolve('tsx')).href
  } catch {
    throw new TypeError(`To run '${file}', tsx has to be installed: npm install --save-dev tsx`)
  }
}
