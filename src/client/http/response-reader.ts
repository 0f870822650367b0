/** How long the head of a response may be, what comes behind its body, and what stands before each chunk, in bytes. */
const MAX_HEAD_BYTES = 32 * 1024
const MAX_CHUNK_LINE_BYTES = 1024

/** How many heads may come before that of the answer. */
const MAX_PASSED = 100

/** How long a connection is kept that the server does not say it keeps, and the longest that one is kept, in milliseconds. */
export const KEPT_MS = 4000
const LONGEST_KEPT_MS = 60_000

/** How much sooner than the server does we let go of a connection, in milliseconds. */
const SOONER_MS = 1000

/** A status line, and header fields behind it (RFC 9112, 4 and 5). */
const HEAD =
  /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?(?:\r\n[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*)*$/

/** How long a chunk is, and whatever else is said of it (RFC 9112, 7.1). */
const CHUNK_LINE = /^([\da-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?$/i

/** What `Connection` may say of it (RFC 9112, 9.3). */
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i

export interface ResponseHead {
  readonly status: number
  /** The value of a header, by its name in lower case; of one that came several times, joined by `, `. */
  header(name: string): string | undefined
  /** For how long the connection can be used for another request afterwards, in milliseconds: not at all, where it is 0 or less. */
  readonly keepMs: number
}

/** Told of a response while it comes. */
export interface ResponseListener {
  onHead(head: ResponseHead): void
  /** `piece` is there only for as long as this runs. */
  onBody(piece: Buffer): void
  onEnd(): void
}

type State = 'nothing' | 'head' | 'length' | 'chunk line' | 'chunk' | 'chunk end' | 'trailers' | 'rest'

/**
 * Reads the responses on one connection, one after the other, from its bytes (RFC 9112). What
 * says two things about where a response ends is refused, and so is whatever nobody asked for.
 */
export class ResponseReader {
  #state: State = 'nothing'
  #listener: ResponseListener | undefined
  /** What has come of a head or a line that is not there as a whole. */
  #held: Buffer | undefined
  /** How much of the body, or of the chunk, is still to come. */
  #left = 0
  /** How many heads have come that are not that of the answer. */
  #passed = 0
  /** The last head: that of the next response is often the same, word for word. */
  #last: Head | undefined

  /** The next response is for `listener`. */
  expect(listener: ResponseListener): void {
    this.#state = 'head'
    this.#passed = 0
    this.#listener = listener
  }

  /** @throws Error for what is no HTTP. */
  read(bytes: Buffer): void {
    let rest = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes])
    this.#held = undefined
    while (rest.length > 0) {
      const taken = this.#step(rest)
      if (taken === 0) {
        this.#held = Buffer.from(rest)
        return
      }
      rest = rest.subarray(taken)
    }
  }

  /** The other side will send no more. @throws Error where it had to. */
  end(): void {
    if (this.#state === 'rest') this.#end()
    else if (this.#state !== 'nothing') throw new Error('It ended before its answer did')
  }

  /** Gives how much was taken; nothing, where more has to come first. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'nothing':
        throw new Error('It sent what nobody asked for')
      case 'head':
        return this.#head(bytes)
      case 'length':
      case 'chunk':
        return this.#piece(bytes)
      case 'rest':
        this.#listener?.onBody(bytes)
        return bytes.length
      case 'chunk line':
        return this.#chunkLine(bytes)
      case 'chunk end':
        return this.#chunkEnd(bytes)
      case 'trailers':
        return this.#trailers(bytes)
    }
  }

  #head(bytes: Buffer): number {
    const text = bytes.toString('latin1', 0, MAX_HEAD_BYTES)
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return needMore(bytes, MAX_HEAD_BYTES)
    const head = this.#read(text.slice(0, end))
    if (head.status >= 200) this.#begin(head)
    else this.#pass(head)
    return end + 4
  }

  #read(text: string): Head {
    if (this.#last?.text !== text) this.#last = new Head(text)
    return this.#last
  }

  /** What comes before the answer to a request that is still under way (RFC 9110, 15.2). */
  #pass({ status }: Head): void {
    this.#passed += 1
    if (status === 101) throw new Error('It changes to a protocol that nobody asked for')
    if (this.#passed > MAX_PASSED) throw new Error('It says without end that it is still at it')
  }

  #begin(head: Head): void {
    const { ends } = head
    this.#state = ends === 'chunked' ? 'chunk line' : ends === 'with the connection' ? 'rest' : 'length'
    this.#left = typeof ends === 'number' ? ends : 0
    this.#listener?.onHead(head)
    if (ends === 0) this.#end()
  }

  #piece(bytes: Buffer): number {
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    this.#left -= piece.length
    this.#listener?.onBody(piece)
    if (this.#left > 0) return piece.length
    if (this.#state === 'chunk') this.#state = 'chunk end'
    else this.#end()
    return piece.length
  }

  #chunkLine(bytes: Buffer): number {
    const line = lineIn(bytes, MAX_CHUNK_LINE_BYTES)
    if (line === undefined) return 0
    const size = CHUNK_LINE.exec(line)?.[1]
    if (size === undefined) throw new Error('It sent a chunk without a size')
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    return line.length + 2
  }

  #chunkEnd(bytes: Buffer): number {
    if (bytes.length < 2) return 0
    if (bytes[0] !== 13 || bytes[1] !== 10) throw new Error('It sent a chunk longer than it said')
    this.#state = 'chunk line'
    return 2
  }

  /** Header fields behind the body, which nobody wants. */
  #trailers(bytes: Buffer): number {
    const line = lineIn(bytes, MAX_HEAD_BYTES)
    if (line === undefined) return 0
    this.#left += line.length + 2
    if (this.#left > MAX_HEAD_BYTES) throw tooLong(MAX_HEAD_BYTES)
    if (line === '') this.#end()
    return line.length + 2
  }

  #end(): void {
    const listener = this.#listener
    this.#state = 'nothing'
    this.#listener = undefined
    listener?.onEnd()
  }
}

/** Where a body ends: after so many bytes, where its last chunk says so, or with the connection. */
type Ends = number | 'chunked' | 'with the connection'

/** The head of a response, whose fields are looked up where they stand. */
class Head implements ResponseHead {
  readonly status: number
  readonly ends: Ends
  readonly keepMs: number
  readonly text: string
  /** The same in lower case. */
  readonly #names: string

  constructor(head: string) {
    if (!HEAD.test(head)) throw new Error('It does not speak HTTP/1.1')
    this.text = head
    this.#names = head.toLowerCase()
    this.status = Number(head.slice(9, 12))
    const isOld = head.startsWith('HTTP/1.0')
    this.ends = this.#ends(isOld)
    const isKept = isOld ? this.#says(KEEP_ALIVE) : !this.#says(CLOSE)
    this.keepMs = isKept && this.ends !== 'with the connection' ? this.#keepMs() : 0
  }

  header(name: string): string | undefined {
    const field = `\r\n${name}:`
    let value: string | undefined
    let at = this.#names.indexOf(field)
    while (at >= 0) {
      const begin = at + field.length
      const end = this.text.indexOf('\r\n', begin)
      const one = this.text.slice(begin, end < 0 ? undefined : end).trim()
      value = value === undefined ? one : `${value}, ${one}`
      at = end < 0 ? -1 : this.#names.indexOf(field, end)
    }
    return value
  }

  /** RFC 9112, 6.3. */
  #ends(isOld: boolean): Ends {
    const coding = this.header('transfer-encoding')
    const length = this.header('content-length')
    if (length !== undefined && !/^\d{1,15}$/.test(length))
      throw new Error('It does not say how long its answer is')
    if (coding !== undefined && (isOld || length !== undefined || coding.toLowerCase() !== 'chunked'))
      throw new Error('It does not say in one way where its answer ends')
    if (this.status < 200 || this.status === 204 || this.status === 304) return 0
    if (coding !== undefined) return 'chunked'
    return length === undefined ? 'with the connection' : Number(length)
  }

  #keepMs(): number {
    const seconds = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(this.header('keep-alive') ?? '')?.[1]
    return seconds === undefined ? KEPT_MS : Math.min(Number(seconds) * 1000 - SOONER_MS, LONGEST_KEPT_MS)
  }

  #says(option: RegExp): boolean {
    const options = this.header('connection')
    return options !== undefined && option.test(options)
  }
}

/** What comes before the end of a line, which has to be within so many bytes; `undefined` while it has not come. */
function lineIn(bytes: Buffer, within: number): string | undefined {
  const text = bytes.toString('latin1', 0, within)
  const end = text.indexOf('\r\n')
  if (end >= 0) return text.slice(0, end)
  needMore(bytes, within)
  return undefined
}

/** Nothing is taken before more has come. @throws Error where so much has come already. */
function needMore(bytes: Buffer, within: number): 0 {
  if (bytes.length >= within) throw tooLong(within)
  return 0
}

function tooLong(most: number): Error {
  return new Error(`It sent more than ${most} bytes where less would do`)
}
