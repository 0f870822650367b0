import { Authorization, type AuthorizationResponse, type AuthProvider } from './authorization.js'
import { httpClient, type Fetch, type HttpClient } from './http-client.js'
import { HttpRequests, type OwnHeaders } from './http-requests.js'

/** How a server is reached over HTTP. */
export interface HttpTransportOptions {
  /** Sent with each request. */
  readonly headers?: OwnHeaders | undefined
  /** A bearer token, or where the official SDK's OAuth gets one from. */
  readonly auth?: string | AuthProvider | undefined
  /** Sends the requests. Default: sockets of Node, or the runtime's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** How long one message of the server may be, in bytes. Default: 64 MiB. */
  readonly maxMessageBytes?: number | undefined
}

const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** All that connections to one server have in common: its address, the sockets to it, and what it is shown. */
export class HttpAccess {
  readonly requests: HttpRequests
  readonly maxMessageBytes: number
  readonly #http: HttpClient
  readonly #authorization: Authorization | undefined

  /** @throws TypeError for what is no HTTP address. */
  constructor(url: string | URL, options: HttpTransportOptions) {
    const address = new URL(url)
    if (address.protocol !== 'http:' && address.protocol !== 'https:')
      throw new TypeError(`A server is reached over http or https, not ${address.protocol}`)
    const { headers, auth, fetch, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options
    this.maxMessageBytes = maxMessageBytes
    this.#http = httpClient(fetch)
    this.#authorization = auth === undefined ? undefined : new Authorization(auth, fetch)
    this.requests = new HttpRequests(address, this.#http, headers, this.#authorization)
  }

  /** Go on after the user has been sent to the authorization server and back. */
  async finishAuth(response: AuthorizationResponse): Promise<void> {
    await this.#authorization?.finish(this.requests.url, response)
  }

  /** Let go of idle sockets. */
  close(): void {
    this.#http.close()
  }
}

/** What a transport is given, and how it lets go of it: nothing is done to what it shares with others. */
export function accessFor(
  url: string | URL,
  options: HttpTransportOptions | HttpAccess,
): { readonly access: HttpAccess; readonly letGo: () => void } {
  if (options instanceof HttpAccess) return { access: options, letGo: () => undefined }
  const access = new HttpAccess(url, options)
  return {
    access,
    letGo: () => {
      access.close()
    },
  }
}
