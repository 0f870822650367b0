import {
  HttpStatusError,
  MessageTooLongError,
  UnauthorizedError,
  type ConnectionError,
} from '../../errors.js'
import type { Authorization } from './authorization.js'
import { addFields, type HeaderFields } from './header-fields.js'
import type { HttpAnswer, HttpAsked, HttpClient } from './http-client.js'

/** Headers of a client's own: the same always, or made anew for each request. */
export type OwnHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** How often a server may send a request on to another address of its own. */
const MAX_REDIRECTS = 5

/** How much of an answer that is an error is read, in bytes. */
const MAX_ERROR_BYTES = 64 * 1024

/** Requests to one server: with the headers that it wants to see, authorised, and wherever it has moved to. */
export class HttpRequests {
  readonly #http: HttpClient
  readonly #headers: OwnHeaders | undefined
  readonly #authorization: Authorization | undefined
  #url: URL

  constructor(url: URL, http: HttpClient, headers?: OwnHeaders, authorization?: Authorization) {
    this.#url = url
    this.#http = http
    this.#headers = headers
    this.#authorization = authorization
  }

  get url(): URL {
    return this.#url
  }

  /**
   * Send a request, to the server's own address or to another.
   * @throws ConnectionError where no answer came, UnauthorizedError where none will.
   */
  send(asked: HttpAsked, url?: URL): Promise<HttpAnswer> {
    const at = url ?? this.#url
    return this.#attempt(asked, at).then((answer) =>
      answer.status < 300 ? answer : this.#goOn(answer, asked, at, url === undefined),
    )
  }

  /** Follow the server to where it has moved, and become who it lets in, if that can be had. */
  async #goOn(first: HttpAnswer, asked: HttpAsked, from: URL, isOwn: boolean): Promise<HttpAnswer> {
    let [answer, at] = [first, from]
    for (let [redirects, refusals] = [0, 0]; ; answer = await this.#attempt(asked, at)) {
      const { status } = answer
      if (status >= 300 && status < 400) {
        at = redirected(answer, at, redirects++)
        if (isOwn) this.#url = at
      } else if (status !== 401 && status !== 403) return answer
      else if ((await this.#authorization?.satisfy(answer, this.#url, ++refusals)) !== true) return answer
    }
  }

  #attempt(asked: HttpAsked, at: URL): Promise<HttpAnswer> {
    if (this.#headers === undefined && this.#authorization === undefined) return this.#http.send(at, asked)
    return this.#headersFor(asked).then((headers) => this.#http.send(at, { ...asked, headers }))
  }

  async #headersFor({ headers }: HttpAsked): Promise<HeaderFields> {
    const own = typeof this.#headers === 'function' ? await this.#headers() : this.#headers
    const token = await this.#authorization?.token()
    if (token === undefined) return addFields([...headers], own)
    const others = headers.filter((_, at) => headers[at - (at % 2)] !== 'authorization')
    return addFields(['authorization', `Bearer ${token}`, ...others], own)
  }
}

/** Only what keeps the body, and stays with the same server: nobody else gets to see headers that may hold secrets. */
function redirected(answer: HttpAnswer, from: URL, redirects: number): URL {
  answer.discard()
  const location = answer.header('location')
  const to = location === undefined ? undefined : urlOf(location, from)
  const keepsBody = answer.status === 307 || answer.status === 308
  if (to?.origin !== from.origin || !keepsBody || redirects >= MAX_REDIRECTS)
    throw new HttpStatusError(
      answer.status,
      `${from.origin} sends requests on, which is not followed: ${to?.href ?? 'to nowhere'}`,
      // Where the answer is to be found elsewhere, it has been asked for.
      answer.status === 303 ? 'unknown' : 'not begun',
    )
  return to
}

/** For texts that are there as a whole. */
const utf8 = new TextDecoder()

/** The text of a body, at once where it is there. @throws MessageTooLongError where it is longer than that; ConnectionError where it breaks off. */
export function textOf(answer: HttpAnswer, maxBytes: number): string | Promise<string> {
  const { whole } = answer
  if (whole === undefined) return textRead(answer, maxBytes)
  if (whole.length > maxBytes) throw new MessageTooLongError(maxBytes)
  return utf8.decode(whole)
}

async function textRead(answer: HttpAnswer, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  await answer.read((piece) => {
    length += piece.length
    if (length > maxBytes) throw new MessageTooLongError(maxBytes)
    text += decoder.decode(piece, { stream: true })
  })
  return text + decoder.decode()
}

/** The beginning of what came with an error status. */
export async function errorTextOf(answer: HttpAnswer): Promise<string> {
  try {
    return await textOf(answer, MAX_ERROR_BYTES)
  } catch {
    return ''
  }
}

/** What an HTTP status says went wrong. From 500 on something may have run. */
export function statusError(status: number, url: URL): ConnectionError {
  if (status === 401) return new UnauthorizedError(`${url.origin} wants to know who asks (401)`)
  const outcome = status >= 500 ? 'unknown' : 'not begun'
  return new HttpStatusError(status, `${url.origin} answered with HTTP status ${status}`, outcome)
}

/** An address that a server gives, or `undefined` where it is none. */
export function urlOf(text: string, base: URL): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined
}
