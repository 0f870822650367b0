import { ConnectionError } from '../../errors.js'
import { findNodeModule } from '../../runtime/node-modules.js'
import { NodeHttpClient } from './node-http-client.js'
import { outcomeOf } from './outcome.js'

export interface HttpAsked {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** An answer whose head has come, and whose body comes when it is read. */
export interface HttpAnswer {
  readonly status: number
  header(name: string): string | undefined
  /** Take the body, piece by piece; resolves at its end. What `take` throws ends the connection. */
  read(take: (chunk: Uint8Array) => void): Promise<void>
  /** The body is not wanted. */
  discard(): void
}

/** Sends requests: through `node:http` where there is one, which takes a fraction of the time, else through `fetch`. */
export interface HttpClient {
  /** @throws ConnectionError where no answer came; the reason of `signal`. */
  send(url: URL, asked: HttpAsked): Promise<HttpAnswer>
  /** Let go of idle connections. */
  close(): void
}

/** As the standard one. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export function httpClient(fetch: Fetch | undefined): HttpClient {
  if (fetch !== undefined) return new FetchHttpClient(fetch)
  const [http, https] = [findNodeModule('node:http'), findNodeModule('node:https')]
  if (http === undefined || https === undefined)
    return new FetchHttpClient((url, init) => globalThis.fetch(url, init))
  return new NodeHttpClient(http, https)
}

class FetchHttpClient implements HttpClient {
  readonly #fetch: Fetch

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  async send(url: URL, { method, headers, body, signal }: HttpAsked): Promise<HttpAnswer> {
    const fetch = this.#fetch
    const response = await fetch(url, {
      method,
      headers: { ...headers },
      redirect: 'manual',
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    }).catch((error: unknown): never => {
      if (signal?.aborted === true) throw signal.reason
      throw new ConnectionError(`${url.origin} cannot be reached`, outcomeOf(error), error)
    })
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      read: (take) => readAll(response, url, take),
      discard: () => {
        response.body?.cancel().catch(() => undefined)
      },
    }
  }

  close(): void {
    // What `fetch` keeps is its own.
  }
}

async function readAll({ body }: Response, url: URL, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = body?.getReader()
  if (reader === undefined) return
  const next = (): Promise<{ done: boolean; value?: unknown }> =>
    reader.read().catch((error: unknown): never => {
      throw new ConnectionError(`The connection to ${url.origin} broke`, 'unknown', error)
    })
  try {
    for (let piece = await next(); !piece.done; piece = await next()) take(piece.value as Uint8Array)
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
