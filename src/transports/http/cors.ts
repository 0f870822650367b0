import type { HttpHeaders, HttpRequest } from './message.js'

/** What browsers are told beside which origins may ask: that is `allowedOrigins`. */
export interface CorsOptions {
  /** Request headers that pages may send, beside MCP's own. */
  readonly allowedHeaders?: readonly string[] | undefined
  /** Response headers that pages may read, beside MCP's own. */
  readonly exposedHeaders?: readonly string[] | undefined
  /** Whether pages may send cookies. Default: `false`. */
  readonly credentials?: boolean | undefined
  /** Seconds for which browsers may keep the answer to a preflight. Default: 600. */
  readonly maxAge?: number | undefined
}

const METHODS = 'GET, POST, DELETE, OPTIONS'
const REQUEST_HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
]
const RESPONSE_HEADERS = ['mcp-session-id', 'mcp-protocol-version', 'www-authenticate', 'retry-after']
const MIRRORED_ARGUMENT = /^mcp-param-[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** Says to browsers what an allowed page may send and read. */
export class Cors {
  readonly #common: Record<string, string>
  readonly #exposed: string
  readonly #allowed: readonly string[]
  readonly #maxAge: string

  constructor({ allowedHeaders = [], exposedHeaders = [], credentials = false, maxAge = 600 }: CorsOptions) {
    this.#common = { vary: 'origin', ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}) }
    this.#exposed = [...RESPONSE_HEADERS, ...exposedHeaders].join(', ')
    this.#allowed = [...REQUEST_HEADERS, ...allowedHeaders.map((name) => name.toLowerCase())]
    this.#maxAge = String(maxAge)
  }

  /** Headers for every answer to a page. */
  headers(origin: string): HttpHeaders {
    return {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': this.#exposed,
      ...this.#common,
    }
  }

  /** Headers for the answer to a page's question whether it may ask. */
  preflight(origin: string, { headers }: HttpRequest): HttpHeaders {
    const wanted = headers['access-control-request-headers']?.toLowerCase().split(',') ?? []
    const mirrored = wanted.map((name) => name.trim()).filter((name) => MIRRORED_ARGUMENT.test(name))
    return {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': [...this.#allowed, ...mirrored].join(', '),
      'access-control-max-age': this.#maxAge,
      ...this.#common,
    }
  }
}
