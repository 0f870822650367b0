import { nodeModule } from '../runtime/node-modules.js'
import { inMemoryTransports } from '../transports/in-memory.js'
import type { Credentials } from '../sessions/sinks.js'
import type { Transport } from '../transports/transport.js'
import type { AuthorizationResponse } from './http/oauth.js'
import { EndpointClient, type HttpTransportOptions } from './http/endpoint-client.js'
import { SSETransport } from './transports/sse-transport.js'
import { StdioTransport, type StdioTransportOptions } from './transports/stdio-transport.js'
import { StreamableHTTPTransport } from './transports/streamable-http-transport.js'

/** A server that is there in this process: a `FastMCP`, or the official SDK's. */
export interface InProcessServer {
  connect(transport: Transport): Promise<unknown>
}

/** How servers are reached, where their targets say nothing else. */
export interface TargetDefaults extends HttpTransportOptions {
  /**
   * How many calls hold a socket at once over HTTP, those that wait for input included; more calls wait. Notifications,
   * responses and streams outside of calls do not count. Default: no limit.
   */
  readonly maxSockets?: number | undefined
}

/** A server at an address, and how it is reached. */
export interface UrlTarget extends TargetDefaults {
  readonly url: string | URL
  /** Default: streamable HTTP first, HTTP+SSE where the server is old or the path ends in `/sse`. */
  readonly transport?: 'http' | 'streamable-http' | 'streamableHttp' | 'sse' | undefined
}

/**
 * Where a server is: a URL; a `.ts`, `.js` or `.py` file; a command; a transport; or a server of this process.
 */
export type ServerTarget = string | URL | UrlTarget | ProcessTarget | Transport | InProcessServer

/** A server that is started as a process of its own. */
export type ProcessTarget = StdioTransportOptions & Pick<TargetDefaults, 'connectTimeoutMs'>

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
  /** The limits of the target, or those that were given as defaults. */
  readonly connectTimeoutMs?: number | undefined
  readonly maxSockets?: number | undefined
  /** The ways to connect, the first that works being the one to take. */
  readonly ways: readonly Way[]
  /** Go on after the user has been sent to the authorization server and back. */
  finishAuth?(response: AuthorizationResponse): Promise<void>
  /** Let go of what the connections share. */
  close(): void
}

/** @throws TypeError for what is no server. */
export function connectorTo(target: ServerTarget, defaults: TargetDefaults = {}): Connector {
  if (target instanceof URL) return overHttp({ url: target }, defaults)
  if (typeof target === 'string')
    return /^https?:\/\//i.test(target)
      ? overHttp({ url: target }, defaults)
      : overStdio(commandFor(target), defaults)
  if ('url' in target) return overHttp(target, defaults)
  if ('command' in target) return overStdio(target, defaults)
  if (isTransport(target)) return given(target)
  if ('connect' in target && typeof target.connect === 'function') return inMemory(target)
  throw new TypeError('A server is a URL, a file, a command, a transport or a FastMCP')
}

function isTransport(target: object): target is Transport {
  return ['start', 'send', 'close'].every(
    (name) => typeof (target as Record<string, unknown>)[name] === 'function',
  )
}

function overHttp(target: UrlTarget, defaults: TargetDefaults): Connector {
  const { url, transport, maxSockets, ...options } = withDefaults(target, defaults)
  if (maxSockets !== undefined && !(maxSockets >= 1))
    throw new TypeError(`'maxSockets' must be a number above 0, not ${maxSockets}`)
  const endpoint = new EndpointClient(url, options)
  const { pathname, origin, search } = endpoint.url
  const streamable: Way = (headers) => new StreamableHTTPTransport(url, endpoint, headers)
  const sse: Way = (headers) => new SSETransport(url, endpoint, headers)
  const guessed = /\/sse\/?$/.test(pathname) ? [sse, streamable] : [streamable, sse]
  const chosen = transport === 'sse' ? [sse] : [streamable]
  return {
    // A query may hold a secret.
    label: `${origin}${pathname}${search === '' ? '' : '?…'}`,
    kind: 'http',
    connectTimeoutMs: options.connectTimeoutMs,
    maxSockets,
    ways: transport === undefined ? guessed : chosen,
    finishAuth: (response) => endpoint.finishAuth(response),
    close: () => {
      endpoint.close()
    },
  }
}

/** The settings of a target, and the defaults for those it leaves open. Settings that exclude one another come from one side. */
function withDefaults(target: UrlTarget, defaults: TargetDefaults): UrlTarget {
  const { fetch, dispatcher, proxy, tls, ...others } = defaults
  const isTargets = [target.fetch, target.dispatcher, target.proxy, target.tls].some(
    (setting) => setting !== undefined,
  )
  const isCustom = target.fetch !== undefined || target.dispatcher !== undefined
  const connecting = isTargets ? (isCustom ? {} : { proxy, tls }) : { fetch, dispatcher, proxy, tls }
  const given = Object.entries(target).filter(([, value]) => value !== undefined)
  return { ...others, ...connecting, ...(Object.fromEntries(given) as unknown as UrlTarget) }
}

function overStdio(target: ProcessTarget, defaults: TargetDefaults): Connector {
  const { connectTimeoutMs = defaults.connectTimeoutMs, ...options } = target
  if (typeof options.command !== 'string' || options.command === '')
    throw new TypeError('A server that is a process needs a command')
  const { maxMessageBytes = defaults.maxMessageBytes } = options
  return {
    label: [options.command, ...(options.args ?? [])].join(' '),
    kind: 'process',
    connectTimeoutMs,
    ways: [() => new StdioTransport({ ...options, maxMessageBytes })],
    close: () => undefined,
  }
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
    serverSide.isShared = credentials !== undefined
    await server.connect(serverSide)
    return clientSide
  }
  return { label: 'a server in memory', kind: 'memory', ways: [connect], close: () => undefined }
}

/** How a file that holds a server is run. TypeScript runs through tsx, which has to be installed beside it. */
function commandFor(file: string): ProcessTarget {
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
