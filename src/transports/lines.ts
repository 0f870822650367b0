const NEWLINE = 0x0a

/** Cuts a stream of bytes into lines of UTF-8, however the bytes are divided; no line may be longer than `limit` bytes. */
export class LineReader {
  readonly #limit: number
  readonly #onLine: (line: string) => void
  readonly #onTooLong: () => void
  #partial: Uint8Array[] = []
  #length = 0
  #isSkipping = false

  constructor(limit: number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#limit = limit
    this.#onLine = onLine
    this.#onTooLong = onTooLong
  }

  push(chunk: Uint8Array): void {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(chunk.subarray(start, end))
      this.#finish()
      start = end + 1
    }
    if (start < chunk.length) this.#take(chunk.subarray(start))
  }

  /** No more will come: what is left is the last line. */
  end(): void {
    this.#finish()
  }

  #take(piece: Uint8Array): void {
    if (this.#isSkipping) return
    this.#length += piece.length
    if (this.#length <= this.#limit) {
      this.#partial.push(piece)
      return
    }
    this.#isSkipping = true
    this.#partial = []
    this.#onTooLong()
  }

  #finish(): void {
    const pieces = this.#partial
    const wasSkipped = this.#isSkipping
    this.#partial = []
    this.#length = 0
    this.#isSkipping = false
    if (wasSkipped) return
    const bytes = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim()
    if (line !== '') this.#onLine(line)
  }
}
