import { ConnectionError } from '../../errors.js'
import { findNodeModule } from '../../runtime/node-modules.js'
import { outcomeOf } from './outcome.js'
import type { HeaderFields } from './header-fields.js'
import { NodeHttpClient } from './node-http-client.js'
import type { RequestWriter } from './request-bytes.js'

export interface HttpAsked {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: HeaderFields
  readonly body?: string | undefined
  /** What somebody writes all his requests with, where many of them are alike. */
  readonly writer?: RequestWriter | undefined
  readonly signal?: AbortSignal | undefined
  /** Given what calls the request off. */
  readonly whenCalledOff?: ((callOff: (reason: unknown) => void) => void) | undefined
}

/** An answer whose head has come, and whose body comes when it is read. */
export interface HttpAnswer {
  readonly status: number
  header(name: string): string | undefined
  /** The whole body, where it has come already, in one piece. */
  readonly whole?: Uint8Array | undefined
  /** Take the body, piece by piece, each there only until `take` returns; resolves at its end. What `take` throws ends the connection. */
  read(take: (chunk: Uint8Array) => void): Promise<void>
  /** The body is not wanted. */
  discard(): void
}

/** Sends requests: on Node over its sockets, which takes a fraction of what `fetch` does, else through `fetch`. */
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
  if (findNodeModule('node:net') !== undefined) return new NodeHttpClient()
  return new FetchHttpClient((url, init) => globalThis.fetch(url, init))
}

class FetchHttpClient implements HttpClient {
  readonly #fetch: Fetch

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  async send(
    url: URL,
    { method, headers, body, signal: given, whenCalledOff }: HttpAsked,
  ): Promise<HttpAnswer> {
    const fetch = this.#fetch
    const signal = whenCalledOff === undefined ? given : signalOf(whenCalledOff, given)
    const response = await fetch(url, {
      method,
      headers: pairsOf(headers),
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

function pairsOf(fields: HeaderFields): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < fields.length; at += 2) pairs.push([fields[at] as string, fields[at + 1] as string])
  return pairs
}

function signalOf(
  whenCalledOff: NonNullable<HttpAsked['whenCalledOff']>,
  other: AbortSignal | undefined,
): AbortSignal {
  const controller = new AbortController()
  whenCalledOff((reason) => {
    controller.abort(reason)
  })
  return other === undefined ? controller.signal : AbortSignal.any([controller.signal, other])
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
