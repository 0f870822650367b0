import { ConnectionError } from '../../errors.js'
import {
  BaseExchange,
  classifyFailure,
  type Fetch,
  type HeaderList,
  type HttpClient,
  type HttpExchange,
  type HttpRequestInit,
  type ResponseHandler,
} from './http-client.js'
import type { ConnectionSettings } from './connection-settings.js'

/** Headers that `fetch` sets by itself, as the encodings that it can decode. */
const SET_BY_FETCH = new Set(['accept-encoding'])

/**
 * Creates the client of runtimes other than Node.
 * @throws TypeError for settings that need Node.
 */
export function createHttpClient(settings: ConnectionSettings): HttpClient {
  for (const name of ['dispatcher', 'proxy', 'tls'] as const)
    if (settings[name] !== undefined && settings[name] !== false)
      throw new TypeError(`'${name}' needs Node: give 'fetch' instead`)
  return new FetchHttpClient((url, init) => globalThis.fetch(url, init))
}

/** Sends requests through `fetch`, which decompresses responses and keeps connections by itself. */
export class FetchHttpClient implements HttpClient {
  readonly #fetch: Fetch
  readonly #open = new Set<HttpExchange>()

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  send(url: URL, init: HttpRequestInit, handler: ResponseHandler): HttpExchange {
    const exchange = new FetchExchange(handler)
    this.#open.add(exchange)
    void exchange.run(this.#fetch, url, init).finally(() => this.#open.delete(exchange))
    return exchange
  }

  close(): void {
    const closed = new ConnectionError('The connection has been closed', 'unknown')
    for (const exchange of this.#open) exchange.abort(closed)
  }
}

class FetchExchange extends BaseExchange {
  readonly #controller = new AbortController()

  async run(fetch: Fetch, url: URL, { method, headers, body }: HttpRequestInit): Promise<void> {
    try {
      this.isSent = true
      const response = await fetch(url, {
        method,
        headers: headerPairs(headers),
        redirect: 'manual',
        signal: this.#controller.signal,
        ...(body !== undefined && { body }),
      })
      if (this.isOver) {
        response.body?.cancel().catch(() => undefined)
        return
      }
      this.receiveHead({
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
      })
      await this.#read(response)
    } catch (error) {
      const outcome = classifyFailure(error)
      const problem =
        outcome === 'unknown' ? `The connection to ${url.origin} broke` : `${url.origin} cannot be reached`
      this.abort(new ConnectionError(problem, outcome, error))
    }
  }

  protected override disconnect(reason: unknown): void {
    this.#controller.abort(reason)
  }

  async #read({ body }: Response): Promise<void> {
    const reader = body?.getReader()
    try {
      while (reader !== undefined && !this.isOver) {
        const { done, value } = await reader.read()
        if (done) break
        this.receiveChunk(value)
      }
      this.receiveEnd()
    } finally {
      reader?.cancel().catch(() => undefined)
    }
  }
}

function headerPairs(list: HeaderList): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < list.length; at += 2) {
    const [name, value] = [list[at] as string, list[at + 1] as string]
    if (!SET_BY_FETCH.has(name)) pairs.push([name, value])
  }
  return pairs
}
