import { HttpError, type HttpRequest } from './message.js'

/** Which names the server answers to, and which pages may talk to it. */
export interface GuardOptions {
  /** Names the server may be reached by, beside what it is bound to: `mcp.example.com`, `mcp.example.com:8443`. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Pages that may talk to it, as their browser's `Origin` says; `'*'` for any. */
  readonly allowedOrigins?: readonly string[] | '*' | undefined
  /** What the server listens on; `undefined` where something else listens and passes requests on. */
  readonly boundHost?: string | undefined
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const IP_LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i

/**
 * Keeps web pages from reaching a server through a visitor's browser (basic/transports,
 * Security Warning): a page sends its own `Origin`, and one that has its host's name
 * point here sends that name as `Host`.
 */
export class Guard {
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #origins: ReadonlySet<string> | '*'
  /** The last host that was found to be allowed: most often the next one too. */
  #allowedHost: string | undefined

  constructor({ allowedHosts, allowedOrigins = [], boundHost }: GuardOptions) {
    const isChecked = allowedHosts !== undefined || boundHost !== undefined
    const names = [...(allowedHosts ?? []), ...(boundHost === undefined ? [] : [boundHost])]
    this.#hosts = isChecked ? new Set(names.map((name) => name.toLowerCase())) : undefined
    this.#origins =
      allowedOrigins === '*' ? '*' : new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  }

  /**
   * Gives the origin of the page that asks, or `undefined` where no page does.
   * @throws HttpError 403 for a host or an origin that is not allowed.
   */
  check({ headers }: HttpRequest): string | undefined {
    const { host, origin } = headers
    if (host === undefined || host !== this.#allowedHost) {
      if (!this.isHostAllowed(host))
        throw new HttpError(403, `Host ${JSON.stringify(host ?? '')} is not allowed here; see allowedHosts`)
      this.#allowedHost = host
    }
    if (origin !== undefined && !this.#isOriginAllowed(origin, host))
      throw new HttpError(403, `Origin ${JSON.stringify(origin)} is not allowed here; see allowedOrigins`)
    return origin
  }

  /** A page can make its own name point here, but not an address or `localhost`. */
  isHostAllowed(host = ''): boolean {
    if (this.#hosts === undefined) return true
    const authority = host.toLowerCase()
    const name = withoutPort(authority)
    return LOOPBACK.has(name) || IP_LITERAL.test(name) || this.#hosts.has(authority) || this.#hosts.has(name)
  }

  #isOriginAllowed(origin: string, host: string | undefined): boolean {
    if (this.#origins === '*' || this.#origins.has(origin.toLowerCase())) return true
    const authority = authorityOf(origin)
    if (authority === undefined || host === undefined) return false
    if (LOOPBACK.has(withoutPort(authority))) return LOOPBACK.has(withoutPort(host.toLowerCase()))
    return this.#hosts !== undefined && authority === host.toLowerCase()
  }
}

function withoutPort(authority: string): string {
  return authority.replace(/:\d*$/, '')
}

function authorityOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]?.toLowerCase()
}
