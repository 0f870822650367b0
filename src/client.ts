import type { ClientOptions } from './client/client-options.js'
import { ServerClient } from './client/server-client.js'
import type { ServerTarget } from './client/target.js'
import { FastMCP } from './fast-mcp.js'
import { isServersConfig, type ProxyOptions, type ServersConfig } from './proxy.js'
import type { UpstreamStatus } from './providers/provider.js'

/** What a client connects to: a URL, a file, a command, a transport, a `FastMCP`, or several servers as one. */
export type ClientTarget = ServerTarget | ServersConfig

/**
 * A client of a server, or of several as one: then names are prefixed by the servers' keys, one
 * that fails harms no other, and each comes back by itself.
 *
 * `App` is the type of the server, where it is known: `Client.connect<typeof server>(url)`.
 */
export class Client<App = unknown> extends ServerClient<App> {
  readonly #several: FastMCP | undefined

  /** @throws TypeError for what is no server. */
  constructor(target: ClientTarget, options: ClientOptions = {}) {
    if (!isSeveral(target)) {
      super(target, options)
      return
    }
    const { headers } = options
    const proxying = { ...forUpstreams(options), name: 'servers' }
    const several = FastMCP.asProxy(withHeaders(target, headers), proxying)
    // Sessions let what is told outside of calls through, whichever era the servers speak.
    super(several, { ...options, era: '2025-11-25' })
    this.#several = several
  }

  /** A client that is connected. */
  static async connect<App = unknown>(target: ClientTarget, options?: ClientOptions): Promise<Client<App>> {
    const client = new Client<App>(target, options)
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.close()
      throw error
    }
  }

  /** How the servers of `mcpServers` are doing, by their keys. */
  get servers(): Readonly<Record<string, UpstreamStatus>> {
    const upstreams = this.#several?.status().upstreams ?? []
    return Object.fromEntries(upstreams.map((upstream) => [upstream.name, upstream]))
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#several?.stop()
  }
}

function isSeveral(target: ClientTarget): target is ServersConfig {
  return typeof target === 'object' && isServersConfig(target)
}

function forUpstreams(options: ClientOptions): ProxyOptions {
  const { era, timeoutMs, auth, fetch, dispatcher, proxy, tls, maxSockets } = options
  const { maxMessageBytes, connectTimeoutMs } = options
  return {
    era,
    timeoutMs,
    auth,
    fetch,
    dispatcher,
    proxy,
    tls,
    maxSockets,
    maxMessageBytes,
    connectTimeoutMs,
  }
}

/** Headers of the client's options are for all of its servers. */
function withHeaders({ mcpServers }: ServersConfig, headers: ClientOptions['headers']): ServersConfig {
  if (headers === undefined) return { mcpServers }
  const servers = Object.entries(mcpServers).map(([key, server]) => [
    key,
    'url' in server ? { headers, ...server } : server,
  ])
  return { mcpServers: Object.fromEntries(servers) as ServersConfig['mcpServers'] }
}
