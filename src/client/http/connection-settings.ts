import type { Fetch } from './http-client.js'

/**
 * A dispatcher of undici 7 or newer, such as an `Agent`, a `Pool` or a `ProxyAgent`.
 * Only `dispatch` is called: the client does not close the dispatcher.
 */
export interface HttpDispatcher {
  dispatch(options: never, handler: never): boolean
}

/** Certificates for connections over TLS, in PEM format. */
export interface ClientTlsOptions {
  /** Trusted certificate authorities. Default: those of Node. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** The certificate that the client presents, with its `key`. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
}

/** How connections to a server over HTTP are made. */
export interface ConnectionSettings {
  /** Sends the requests. Default: undici on Node, the runtime's `fetch` elsewhere. */
  readonly fetch?: Fetch | undefined
  /** Sends the requests, on Node: a dispatcher of undici 7 or newer, which stays open when the client closes. */
  readonly dispatcher?: HttpDispatcher | undefined
  /**
   * An HTTP proxy: its URL, or `true` for those that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name, which never serve
   * requests to this machine. Default: `true` if the environment says `NODE_USE_ENV_PROXY=1`, else none. On Node only.
   */
  readonly proxy?: boolean | string | URL | undefined
  /** On Node only. */
  readonly tls?: ClientTlsOptions | undefined
  /** How long connecting may take, in milliseconds. Default: 30,000. */
  readonly connectTimeoutMs?: number | undefined
}

/** The settings, and how long a body may be, decompressed, in bytes. */
export interface HttpClientSettings extends ConnectionSettings {
  readonly maxMessageBytes: number
}

/** @throws TypeError for settings that exclude one another or cannot be meant. */
export function checkConnectionSettings(settings: ConnectionSettings): void {
  const { fetch, dispatcher, proxy, tls, connectTimeoutMs } = settings
  if (fetch !== undefined && dispatcher !== undefined)
    throw new TypeError("Give 'fetch' or 'dispatcher', not both")
  const custom = fetch !== undefined ? 'fetch' : 'dispatcher'
  if (fetch !== undefined || dispatcher !== undefined)
    for (const [name, value] of Object.entries({ proxy, tls }))
      if (value !== undefined && value !== false)
        throw new TypeError(`'${name}' has no effect with '${custom}': set it there`)
  if (dispatcher !== undefined && typeof (dispatcher as Partial<HttpDispatcher>).dispatch !== 'function')
    throw new TypeError("'dispatcher' must have a method 'dispatch', as those of undici")
  if (typeof proxy === 'string' && !URL.canParse(proxy)) throw new TypeError("'proxy' must be a URL or true")
  if (connectTimeoutMs !== undefined && !(connectTimeoutMs > 0))
    throw new TypeError(`'connectTimeoutMs' must be a number above 0, not ${connectTimeoutMs}`)
}
