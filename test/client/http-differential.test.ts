/** Whatever our reading of HTTP answers takes for one, Node's own takes for the same. */
import { request } from 'node:http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NodeHttpClient } from '../../src/client/http/node-http-client.js'
import { textOf } from '../../src/client/http/http-requests.js'
import { onCleanup } from '../support/clients.js'
import { RawUpstream } from '../support/raw-upstream.js'

interface Heard {
  readonly status: number
  readonly type: string | undefined
  readonly body: unknown
}

const NOTHING = 'nothing'
const CUT: unknown = expect.any(String)

/** What comes behind an answer breaks the connection, and the answer is not read to its end any more. */
async function byNode(url: string): Promise<Heard | typeof NOTHING> {
  return new Promise((resolve) => {
    let onError = (): void => resolve(NOTHING)
    const asked = request(url, { method: 'POST', agent: false }, (answer) => {
      let body = ''
      const heard = (isWhole: boolean): void => {
        const { statusCode = 0, headersDistinct, complete } = answer
        const type = headersDistinct['content-type']?.join(', ')
        resolve(complete ? { status: statusCode, type, body: isWhole ? body : CUT } : NOTHING)
      }
      onError = () => heard(false)
      answer.setEncoding('utf8').on('data', (piece: string) => (body += piece))
      answer.on('error', onError).on('end', () => heard(true))
    })
    asked.on('error', () => onError()).end()
  })
}

async function byUs(url: string): Promise<Heard | typeof NOTHING> {
  const client = new NodeHttpClient()
  try {
    const answer = await client.send(new URL(url), { method: 'POST', headers: [], body: '' })
    const { status } = answer
    const type = answer.header('content-type')
    return { status, type, body: await textOf(answer, 100_000) }
  } catch {
    return NOTHING
  } finally {
    client.close()
  }
}

const eol = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\n\r\n')
const status = fc.constantFrom(
  '200 OK',
  '200',
  '201 Created',
  '204 No Content',
  '404 Not',
  '20',
  '100 Continue',
  '2000 X',
)
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'http/1.1')
const field = fc.constantFrom(
  'content-type: text/plain',
  'Content-Type:text/plain  ',
  'content-length: 5',
  'content-length: 5, 5',
  'Content-Length: 05',
  'content-length: -1',
  'content-length: 0x5',
  'transfer-encoding: chunked',
  'Transfer-Encoding: Chunked',
  'transfer-encoding: gzip',
  'transfer-encoding: chunked, chunked',
  'connection: close',
  'connection: keep-alive',
  ' folded: more',
  'x y: z',
  'x : z',
  'x: \x01',
  'x: \xff',
  ': empty',
  'nothing',
)
const body = fc.constantFrom(
  'hello',
  'hello, all',
  'hel',
  '',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x=1\r\nhello\r\n0\r\nx: y\r\n\r\n',
  '05 \r\nhello\r\n0\r\n\r\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhello\r\n0\r\n',
  'g\r\nhello\r\n0\r\n\r\n',
  '-5\r\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
)
const answer = fc
  .record({ version, status, fields: fc.array(fc.tuple(field, eol), { maxLength: 4 }), eol, body })
  .map(({ version, status, fields, eol, body }) => {
    const lines = fields.map(([line, end]) => line + end).join('')
    return `${version} ${status}${eol}${lines}\r\n${body}`
  })

test('what we hear, Node hears as well', async () => {
  let text = ''
  let cuts: number[] = []
  let heard = 0
  const upstream = await RawUpstream.start(() => {
    const bytes = Buffer.from(text, 'latin1')
    const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
    return [...at.slice(1).map((end, index) => bytes.subarray(at[index], end)), 'end']
  })
  onCleanup(() => upstream.stop())
  await fc.assert(
    fc.asyncProperty(answer, fc.array(fc.nat(), { maxLength: 3 }), async (sent, where) => {
      text = sent
      cuts = where
      const [ours, nodes] = await Promise.all([byUs(upstream.url), byNode(upstream.url)])
      if (ours === NOTHING) return
      heard += 1
      expect(ours).toEqual(nodes)
    }),
    { numRuns: 1500 },
  )
  expect(heard).toBeGreaterThan(50)
}, 60_000)
