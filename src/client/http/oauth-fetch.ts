import { ConnectionError, MessageTooLongError, RequestTimeoutError } from '../../errors.js'
import type { Fetch, HttpClient, HttpRequestInit, ResponseHandler, ResponseHead } from './http-client.js'
import { redirectTarget } from './redirects.js'

/** How long a response of an authorization server may be, in bytes, and how long it may take, in milliseconds. */
const MAX_BYTES = 1024 * 1024
const TIMEOUT_MS = 30_000

/**
 * Creates the `fetch` of OAuth requests: over the connections of the client, and with redirects within one origin
 * only, so that no authorization code, token or client secret reaches another server.
 */
export function createOAuthFetch(load: () => Promise<HttpClient>): Fetch {
  return async (input, init) => {
    const request = new Request(input, { ...init, redirect: 'manual' })
    const body = request.method === 'GET' ? '' : await request.text()
    const asked: HttpRequestInit = {
      method: request.method,
      headers: [...request.headers].flat(),
      ...(body !== '' && { body }),
    }
    const http = await load()
    let url = new URL(request.url)
    for (let redirects = 1; ; redirects++) {
      const response = await collect(http, url, asked, request.signal)
      const { status } = response.head
      if (status < 300 || status >= 400 || status === 304) return response.toResponse()
      url = redirectTarget(response.head, url, asked.method, redirects)
    }
  }
}

/** Sends one request and reads its response. */
function collect(
  http: HttpClient,
  url: URL,
  init: HttpRequestInit,
  signal: AbortSignal,
): Promise<CollectedResponse> {
  return new Promise((resolve, reject) => {
    const collected = new CollectedResponse(resolve, reject)
    const exchange = http.send(url, init, collected)
    const abort = (): void => {
      exchange.abort(signal.reason)
    }
    const timer = setTimeout(() => {
      exchange.abort(new RequestTimeoutError(`${init.method} ${url.origin}`, TIMEOUT_MS))
    }, TIMEOUT_MS)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    collected.onOver = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
    if (collected.isOver) collected.onOver()
  })
}

class CollectedResponse implements ResponseHandler {
  head: ResponseHead = { status: 0, header: () => undefined }
  isOver = false
  onOver: () => void = () => undefined
  readonly #chunks: Uint8Array<ArrayBuffer>[] = []
  readonly #resolve: (response: CollectedResponse) => void
  readonly #reject: (error: unknown) => void
  #length = 0

  constructor(resolve: (response: CollectedResponse) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  onHead(head: ResponseHead): void {
    this.head = head
  }

  onChunk(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#length > MAX_BYTES) throw new MessageTooLongError(MAX_BYTES)
    this.#chunks.push(chunk as Uint8Array<ArrayBuffer>)
  }

  onEnd(): void {
    this.#end()
    this.#resolve(this)
  }

  onError(error: unknown): void {
    this.#end()
    this.#reject(error instanceof Error ? error : new ConnectionError(String(error), 'unknown'))
  }

  toResponse(): Response {
    const { status } = this.head
    const headers = new Headers()
    for (const name of ['content-type', 'www-authenticate', 'location', 'retry-after']) {
      const value = this.head.header(name)
      if (value !== undefined) headers.set(name, value)
    }
    const hasBody = status !== 204 && status !== 205 && status !== 304
    return new Response(hasBody ? new Blob(this.#chunks) : null, { status, headers })
  }

  #end(): void {
    this.isOver = true
    this.onOver()
  }
}
