import { hasField, type HeaderFields } from './header-fields.js'
import type { HttpAsked } from './http-client.js'

/** Where a request goes, as it is said in its head. */
export interface RequestTarget {
  readonly host: string
  /** The path, with the query. */
  readonly target: string
}

/** A header field as it may be sent (RFC 9110, 5.1 and 5.5), but for those that say how a request travels: that is said here. */
const FIELD =
  /^(?!(?:connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade):)[\w!#$%&'*+.^`|~-]+: [\t\x20-\x7e\x80-\xff]*$/

/**
 * Writes the requests of somebody as they are sent (RFC 9112, 3). The head of a request is mostly
 * that of the one before it: it is looked at, and put together, when it is another.
 */
export class RequestWriter {
  #method = ''
  #target: RequestTarget | undefined
  #headers: HeaderFields = []
  /** The head, but for the length of the body. */
  #head: Buffer | undefined

  /** @throws TypeError for headers that cannot be. */
  bytes(to: RequestTarget, { method, headers, body }: HttpAsked): Buffer {
    const head = this.#headFor(to, method, headers)
    const length = body === undefined ? 0 : Buffer.byteLength(body)
    const end = body === undefined ? '\r\n' : `content-length: ${length}\r\n\r\n`
    const bytes = Buffer.allocUnsafe(head.length + end.length + length)
    bytes.set(head)
    bytes.write(end, head.length, 'latin1')
    if (body !== undefined) bytes.write(body, head.length + end.length, 'utf8')
    return bytes
  }

  #headFor(to: RequestTarget, method: string, headers: HeaderFields): Buffer {
    const isSame = to === this.#target && method === this.#method && areSame(headers, this.#headers)
    if (isSame && this.#head !== undefined) return this.#head
    this.#head = headOf(to, method, headers)
    this.#target = to
    this.#method = method
    this.#headers = headers
    return this.#head
  }
}

function headOf({ host, target }: RequestTarget, method: string, headers: HeaderFields): Buffer {
  let head = `${method} ${target} HTTP/1.1\r\n`
  for (let at = 0; at < headers.length; at += 2) {
    const field = `${headers[at]}: ${headers[at + 1]}`
    // What it holds may be a secret.
    if (!FIELD.test(field))
      throw new TypeError(`A request cannot have this header ${JSON.stringify(headers[at])}`)
    head += `${field}\r\n`
  }
  if (!hasField(headers, 'host')) head += `host: ${host}\r\n`
  return Buffer.from(head, 'latin1')
}

function areSame(some: HeaderFields, others: HeaderFields): boolean {
  if (some.length !== others.length) return false
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false
  return true
}
