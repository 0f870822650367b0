import { MessageTooLongError } from '../../errors.js'
import { decompress, type readEncodings } from './decompressor.js'

interface BodyHandlers {
  readonly onChunk: (chunk: Uint8Array) => void
  readonly onEnd: () => void
}

/** A compressed body that is no stream: it is decompressed when all of it has arrived. */
export class CompressedBody {
  readonly #encodings: ReturnType<typeof readEncodings>
  readonly #expected: number
  readonly #maxBytes: number
  readonly #handlers: BodyHandlers
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #isDecompressed = false

  constructor(
    encodings: ReturnType<typeof readEncodings>,
    contentLength: string | undefined,
    maxBytes: number,
    handlers: BodyHandlers,
  ) {
    this.#encodings = encodings
    this.#expected = contentLength === undefined ? Infinity : Number(contentLength)
    this.#maxBytes = maxBytes
    this.#handlers = handlers
  }

  /** @throws MessageTooLongError where the body is too long; Error where it is broken. */
  write(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#length > this.#maxBytes) throw new MessageTooLongError(this.#maxBytes)
    this.#chunks.push(chunk)
    if (this.#length >= this.#expected) this.#decompress()
  }

  /** @throws as `write` does. */
  end(): void {
    this.#decompress()
    this.#handlers.onEnd()
  }

  #decompress(): void {
    if (this.#isDecompressed || this.#length === 0) return
    this.#isDecompressed = true
    this.#handlers.onChunk(decompress(Buffer.concat(this.#chunks), this.#encodings, this.#maxBytes))
  }
}
