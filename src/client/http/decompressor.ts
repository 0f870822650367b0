import type { Transform } from 'node:stream'
import { nodeModule } from '../../runtime/node-modules.js'

/** The value of `accept-encoding`. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate'

/** How many encodings one response may have, one around the other. */
const MAX_ENCODINGS = 3

interface DecompressorHandlers {
  readonly onChunk: (chunk: Uint8Array) => void
  /** The data of the last `write` has been decompressed, and given to `onChunk`. */
  readonly onWritten: () => void
  readonly onError: (error: Error) => void
}

/** Decompresses the body of one response as it arrives (RFC 9110, section 8.4). */
export class Decompressor {
  /** The outermost encoding first. */
  readonly #stages: readonly Transform[]
  readonly #handlers: DecompressorHandlers

  /** @throws Error for an encoding that was not asked for. */
  constructor(contentEncoding: string, handlers: DecompressorHandlers) {
    const encodings = contentEncoding.toLowerCase().split(',').reverse()
    if (encodings.length > MAX_ENCODINGS) throw new Error(`More than ${MAX_ENCODINGS} content encodings`)
    this.#handlers = handlers
    this.#stages = encodings
      .map((encoding) => stageFor(encoding.trim()))
      .filter((stage) => stage !== undefined)
    for (const [at, stage] of this.#stages.entries()) {
      const next = this.#stages[at + 1]
      stage.on('error', handlers.onError)
      if (next === undefined) stage.on('data', handlers.onChunk)
      else stage.on('data', (chunk: Uint8Array) => next.write(chunk))
    }
  }

  /** Takes the next part; the one before has to be written already. */
  write(chunk: Uint8Array): void {
    const [first] = this.#stages
    if (first === undefined) {
      this.#handlers.onChunk(chunk)
      queueMicrotask(this.#handlers.onWritten)
    } else
      first.write(chunk, () => {
        this.#flush(1)
      })
  }

  close(): void {
    for (const stage of this.#stages) stage.destroy()
  }

  /** Waits until each stage has passed on all that the stage before it gave. */
  #flush(at: number): void {
    const stage = this.#stages[at]
    if (stage === undefined) this.#handlers.onWritten()
    else
      stage.write(new Uint8Array(), () => {
        this.#flush(at + 1)
      })
  }
}

function stageFor(encoding: string): Transform | undefined {
  const zlib = nodeModule('node:zlib', 'give `fetch`')
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip()
    case 'br':
      return zlib.createBrotliDecompress()
    case 'deflate':
      return zlib.createInflate()
    case 'identity':
    case '':
      return undefined
    default:
      throw new Error(`Unknown content encoding '${encoding}'`)
  }
}
