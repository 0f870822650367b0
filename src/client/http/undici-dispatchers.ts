import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { Agent, errors, Client, EnvHttpProxyAgent, Pool, ProxyAgent, type Dispatcher } from 'undici'
import type { ConnectionSettings } from './connection-settings.js'

/** How long a connection may take, where nothing else is said, in milliseconds. */
const DEFAULT_CONNECT_TIMEOUT_MS = 15_000

/** The longest that an idle connection is kept, however long the server says that it keeps it, in milliseconds. */
const MAX_KEEP_ALIVE_MS = 60_000

/** The connection that one exchange uses. */
export interface SocketOwner {
  disconnect(): void
}

/** An exchange that is told over which connection it runs. */
interface SocketUser {
  socketOwner: SocketOwner | undefined
}

/** Chooses the dispatcher for each URL. */
export interface Dispatchers {
  for(url: URL): Pick<Dispatcher, 'dispatch'>
  close(): void
}

/** @throws TypeError for an HTTP proxy that is none. */
export function createDispatchers(settings: ConnectionSettings): Dispatchers {
  const { dispatcher, proxy = isProxyFromEnvironment(), tls, connectTimeoutMs } = settings
  if (dispatcher !== undefined) {
    const given = dispatcher as unknown as Dispatcher
    return { for: () => given, close: () => undefined }
  }
  const connect = { timeout: connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS, ...(tls as object | undefined) }
  const options = {
    connect,
    factory: createPool,
    keepAliveMaxTimeout: MAX_KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  const throughProxy = {
    ...options,
    // Plain HTTP is forwarded, as proxies expect it; TLS goes through a tunnel.
    proxyTunnel: false,
    requestTls: connect,
    proxyTls: { timeout: connect.timeout },
    clientFactory: (origin: URL, opts: object) =>
      new Pool(origin, { ...opts, headersTimeout: connect.timeout }),
  }
  const direct = new Agent(options)
  if (proxy === false) return new OwnDispatchers(direct, direct)
  if (proxy === true) return new OwnDispatchers(direct, new EnvHttpProxyAgent(throughProxy))
  return new OwnDispatchers(undefined, new ProxyAgent({ ...throughProxy, uri: String(proxy) }))
}

class OwnDispatchers implements Dispatchers {
  /** Serves requests to this machine, unless a proxy was given for all. */
  readonly #loopback: Dispatcher | undefined
  readonly #others: Dispatcher

  constructor(loopback: Dispatcher | undefined, others: Dispatcher) {
    this.#loopback = loopback
    this.#others = others
  }

  for(url: URL): Dispatcher {
    if (this.#loopback === undefined || this.#loopback === this.#others) return this.#others
    return isLoopback(url.hostname) ? this.#loopback : this.#others
  }

  close(): void {
    for (const dispatcher of new Set([this.#loopback, this.#others]))
      dispatcher?.destroy().catch(() => undefined)
  }
}

/** A pool without a limit: the number of calls is limited before they get here. */
function createPool(origin: string | URL, options: object): Pool {
  return new Pool(origin, { ...options, factory: (...args) => new SocketOwningClient(...args) })
}

/** One connection of a pool, which can be destroyed after the last response on it is complete. */
class SocketOwningClient extends Client implements SocketOwner {
  readonly #slot: { socket: Socket | undefined }

  constructor(origin: string | URL, options: Client.Options) {
    const slot: { socket: Socket | undefined } = { socket: undefined }
    const connect = options.connect as buildConnector.connector
    super(origin, {
      ...options,
      connect: (target: buildConnector.Options, callback: buildConnector.Callback) => {
        connect(target, (...result) => {
          slot.socket = result[1] ?? undefined
          callback(...result)
        })
      },
    })
    this.#slot = slot
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { socketUser } = options as { socketUser?: SocketUser }
    if (socketUser !== undefined) socketUser.socketOwner = this
    return super.dispatch(options, handler)
  }

  disconnect(): void {
    // The code of this error makes undici fail the request; without an error it would examine what it has parsed so far.
    this.#slot.socket?.destroy(new errors.SocketError('aborted'))
  }
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}

function isProxyFromEnvironment(): boolean {
  return process.env['NODE_USE_ENV_PROXY'] === '1'
}
