import { ConnectionError, HttpStatusError, UnauthorizedError } from '../../errors.js'
import { toBase64 } from '../../runtime/base64.js'
import { BodyDrain } from './body-drain.js'
import { checkConnectionSettings, type ConnectionSettings } from './connection-settings.js'
import { FetchHttpClient } from './fetch-http-client.js'
import {
  addHeaders,
  hasHeader,
  type HeaderList,
  type HttpClient,
  type HttpExchange,
  type HttpRequestInit,
  type ResponseHandler,
  type ResponseHead,
} from './http-client.js'
import { OAuth, type AuthorizationResponse, type AuthProvider } from './oauth.js'
import { createOAuthFetch } from './oauth-fetch.js'
import { isRedirect, redirectTarget } from './redirects.js'

/** Headers of a client's own: the same for all requests, or computed for each. */
export type OwnHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** How a server is reached over HTTP. */
export interface HttpTransportOptions extends ConnectionSettings {
  /** Sent with each request. */
  readonly headers?: OwnHeaders | undefined
  /** A bearer token, or a provider of the official SDK, whose OAuth obtains one. */
  readonly auth?: string | AuthProvider | undefined
  /** How long one message of the server may be, decompressed, in bytes. Default: 64 MiB. */
  readonly maxMessageBytes?: number | undefined
}

const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** Sends requests to one server: with its headers and credentials, over connections that all its users share. */
export class EndpointClient {
  /** Where the server is, without credentials. */
  readonly url: URL
  readonly maxMessageBytes: number
  readonly oauth: OAuth | undefined
  readonly #settings: ConnectionSettings
  readonly #headers: OwnHeaders | undefined
  readonly #basic: string | undefined
  #http: HttpClient | undefined
  #loading: Promise<HttpClient> | undefined
  readonly #fetch: HttpClient | undefined

  /** @throws TypeError for what is no HTTP address, and for settings that cannot be meant. */
  constructor(url: string | URL, options: HttpTransportOptions) {
    const address = new URL(url)
    if (address.protocol !== 'http:' && address.protocol !== 'https:')
      throw new TypeError(`A server is reached over http or https, not ${address.protocol}`)
    checkConnectionSettings(options)
    const { headers, auth, fetch, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options
    this.#basic = basicCredentials(address)
    address.username = address.password = address.hash = ''
    this.url = address
    this.maxMessageBytes = maxMessageBytes
    this.#settings = options
    this.#headers = headers
    this.#fetch = fetch && new FetchHttpClient(fetch)
    this.#http = this.#fetch
    if (auth !== undefined)
      this.oauth = new OAuth(
        auth,
        createOAuthFetch(() => this.load()),
      )
  }

  /**
   * Sends a request to the server's own address, or to another of the same origin. Redirects within the origin are
   * followed, for this request alone; a request that is refused for its token is sent once more with a new one.
   */
  send(init: HttpRequestInit, handler: ResponseHandler, url = this.url): HttpExchange {
    return new EndpointExchange(this, init, handler, url)
  }

  /** The client, if it is loaded: it loads with the first request. */
  get http(): HttpClient | undefined {
    return this.#http
  }

  async load(): Promise<HttpClient> {
    if (this.#http !== undefined) return this.#http
    const loading = (this.#loading ??= import('#http-client').then(({ createHttpClient }) => {
      if (this.#loading !== loading) throw new ConnectionError('The connection has been closed', 'not begun')
      return (this.#http = createHttpClient({ ...this.#settings, maxMessageBytes: this.maxMessageBytes }))
    }))
    return loading
  }

  /** Whether each request has headers that are still to be computed. */
  get hasOwnHeaders(): boolean {
    return this.#headers !== undefined || this.oauth !== undefined || this.#basic !== undefined
  }

  async headersFor({ headers }: HttpRequestInit): Promise<HeaderList> {
    const own = typeof this.#headers === 'function' ? await this.#headers() : this.#headers
    const token = await this.oauth?.token()
    if (token !== undefined) {
      const others = headers.filter((_, at) => headers[at - (at % 2)] !== 'authorization')
      return addHeaders(['authorization', `Bearer ${token}`, ...others], own)
    }
    const all = addHeaders([...headers], own)
    if (this.#basic !== undefined && !hasHeader(all, 'authorization')) all.push('authorization', this.#basic)
    return all
  }

  /** Continues after the authorization server has sent the user back. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.oauth?.finish(this.url, response)
  }

  /** Closes the connections. The next request opens new ones. */
  close(): void {
    this.#loading = undefined
    const http = this.#http
    this.#http = this.#fetch
    if (http !== this.#fetch) http?.close()
  }
}

/** The client that a transport uses, and how the transport releases it: one that it shares with others stays open. */
export function endpointFor(
  url: string | URL,
  options: HttpTransportOptions | EndpointClient,
): { readonly endpoint: EndpointClient; readonly release: () => void } {
  if (options instanceof EndpointClient) return { endpoint: options, release: () => undefined }
  const endpoint = new EndpointClient(url, options)
  return {
    endpoint,
    release: () => {
      endpoint.close()
    },
  }
}

/** One request to a server, which may take several exchanges: the last one is the handler's. */
class EndpointExchange implements HttpExchange, ResponseHandler {
  readonly #endpoint: EndpointClient
  readonly #init: HttpRequestInit
  readonly #handler: ResponseHandler
  #url: URL
  #current: HttpExchange | undefined
  #drain: BodyDrain | undefined
  #redirects = 0
  #challenges = 0
  #aborted: { readonly reason: unknown } | undefined

  constructor(endpoint: EndpointClient, init: HttpRequestInit, handler: ResponseHandler, url: URL) {
    this.#endpoint = endpoint
    this.#init = init
    this.#handler = handler
    this.#url = url
    this.#attempt()
  }

  get isSent(): boolean {
    return this.#current?.isSent === true
  }

  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return
    this.#aborted = { reason }
    this.#drain?.stop()
    const current = this.#current
    // An exchange whose response is drained, or that has not begun, tells the handler nothing.
    if (current === undefined || this.#drain !== undefined) this.#handler.onError(reason)
    current?.abort(reason)
  }

  onHead(head: ResponseHead): void {
    const { status } = head
    if (isRedirect(head)) this.#redirect(head)
    else if ((status === 401 || status === 403) && this.#endpoint.oauth !== undefined) this.#challenge(head)
    else this.#handler.onHead(head)
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#drain === undefined) this.#handler.onChunk(chunk)
    else this.#drain.onChunk(chunk)
  }

  onEnd(): void {
    if (this.#drain === undefined) this.#handler.onEnd()
    else this.#drain.onEnd()
  }

  onError(error: unknown): void {
    if (this.#drain !== undefined) this.#drain.onEnd()
    else this.#handler.onError(error)
  }

  #attempt(): void {
    const { http } = this.#endpoint
    if (http !== undefined && !this.#endpoint.hasOwnHeaders) {
      this.#send(http, this.#init)
      return
    }
    this.#prepare().then(
      ([loaded, headers]) => {
        if (this.#aborted === undefined) this.#send(loaded, { ...this.#init, headers })
      },
      (error: unknown) => {
        this.#fail(error)
      },
    )
  }

  async #prepare(): Promise<[HttpClient, HeaderList]> {
    const http = await this.#endpoint.load()
    return [http, await this.#endpoint.headersFor(this.#init)]
  }

  #send(http: HttpClient, init: HttpRequestInit): void {
    this.#current = http.send(this.#url, init, this)
  }

  #redirect(head: ResponseHead): void {
    this.#redirects += 1
    const target = redirectTarget(head, this.#url, this.#init.method, this.#redirects)
    this.#drainThen(() => {
      this.#url = target
      this.#attempt()
    })
  }

  #challenge(head: ResponseHead): void {
    const { oauth, url } = this.#endpoint
    const challenge = head.header('www-authenticate') ?? ''
    this.#challenges += 1
    if (oauth?.canHandle(head.status, challenge, this.#challenges) !== true) {
      this.#handler.onHead(head)
      return
    }
    this.#drainThen(() => {
      oauth.handleChallenge(url, head.status, challenge).then(
        (isAuthorized) => {
          if (this.#aborted !== undefined) return
          if (isAuthorized) this.#attempt()
          else this.#fail(new UnauthorizedError(`${url.origin} requires authentication (${head.status})`))
        },
        (error: unknown) => {
          this.#fail(error)
        },
      )
    })
  }

  /** Reads the rest of a response that only leads to another request. */
  #drainThen(next: () => void): void {
    this.#drain = new BodyDrain((error) => {
      if (error !== undefined) this.#current?.abort(error)
      this.#drain = undefined
      this.#current = undefined
      next()
    })
  }

  #fail(error: unknown): void {
    if (this.#aborted !== undefined) return
    this.#aborted = { reason: error }
    this.#handler.onError(error)
  }
}

/** Takes the credentials out of a URL, as the value of `Authorization` (RFC 7617). */
function basicCredentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const text = `${decoded(username)}:${decoded(password)}`
  return `Basic ${toBase64(new TextEncoder().encode(text))}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The error that an HTTP status stands for. From 500 on a request may have run. */
export function statusError(head: ResponseHead, url: URL): ConnectionError {
  const { status } = head
  if (status === 401) return new UnauthorizedError(`${url.origin} requires authentication (401)`)
  const outcome = status >= 500 ? 'unknown' : 'not begun'
  return new HttpStatusError(
    status,
    `${url.origin} answered with HTTP status ${status}`,
    outcome,
    retryAfterMs(head),
  )
}

/** How long a server wants clients to stay away, in milliseconds (RFC 9110, section 10.2.3). */
function retryAfterMs(head: ResponseHead): number | undefined {
  const value = head.header('retry-after')?.trim()
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined
}
