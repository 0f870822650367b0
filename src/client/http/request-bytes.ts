import { hasField } from './header-fields.js'
import type { HttpAsked } from './http-client.js'

/** A header field as it may be sent (RFC 9110, 5.1 and 5.5), but for those that say how a request travels: that is said here. */
const FIELD =
  /^(?!(?:connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade):)[\w!#$%&'*+.^`|~-]+: [\t\x20-\x7e\x80-\xff]*$/

/** A request as it is sent (RFC 9112, 3). @throws TypeError for headers that cannot be. */
export function requestBytes(target: string, host: string, { method, headers, body }: HttpAsked): Buffer {
  let fields = ''
  for (let at = 0; at < headers.length; at += 2) {
    const field = `${headers[at]}: ${headers[at + 1]}`
    // What it holds may be a secret.
    if (!FIELD.test(field))
      throw new TypeError(`A request cannot have this header ${JSON.stringify(headers[at])}`)
    fields += `${field}\r\n`
  }
  if (!hasField(headers, 'host')) fields += `host: ${host}\r\n`
  const length = body === undefined ? 0 : Buffer.byteLength(body)
  if (body !== undefined) fields += `content-length: ${length}\r\n`
  const head = `${method} ${target} HTTP/1.1\r\n${fields}\r\n`
  const bytes = Buffer.allocUnsafe(head.length + length)
  bytes.write(head, 0, 'latin1')
  if (body !== undefined) bytes.write(body, head.length, 'utf8')
  return bytes
}
