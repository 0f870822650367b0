import type { Transform } from 'node:stream'
import { MessageTooLongError } from '../../errors.js'
import { nodeModule } from '../../runtime/node-modules.js'

/** The value of `accept-encoding`. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate'

/** How many encodings one response may have, one around the other. */
const MAX_ENCODINGS = 3

/** How much of a compressed stream may wait to be decompressed, in bytes. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024

type Encoding = 'gzip' | 'br' | 'deflate'

/**
 * Reads `Content-Encoding`, the outermost encoding first (RFC 9110, section 8.4).
 * @throws Error for an encoding that was not asked for.
 */
export function readEncodings(contentEncoding: string): readonly Encoding[] {
  const names = contentEncoding.toLowerCase().split(',').reverse()
  if (names.length > MAX_ENCODINGS) throw new Error(`More than ${MAX_ENCODINGS} content encodings`)
  return names.flatMap((given): Encoding[] => {
    const name = given.trim().replace(/^x-/, '')
    if (name === 'identity' || name === '') return []
    if (name === 'gzip' || name === 'br' || name === 'deflate') return [name]
    throw new Error(`Unknown content encoding '${name}'`)
  })
}

/**
 * Decompresses a whole body, at once: a response has to be judged before its connection is used again.
 * @throws MessageTooLongError where it is longer than `maxBytes`; Error where it is broken.
 */
export function decompress(body: Uint8Array, encodings: readonly Encoding[], maxBytes: number): Uint8Array {
  const { gunzipSync, brotliDecompressSync, inflateSync } = nodeModule('node:zlib', 'give `fetch`')
  const decoders = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync }
  try {
    return encodings.reduce<Uint8Array>(
      (bytes, encoding) => decoders[encoding](bytes, { maxOutputLength: maxBytes }),
      body,
    )
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw new MessageTooLongError(maxBytes)
    throw error
  }
}

interface StreamHandlers {
  readonly onChunk: (chunk: Uint8Array) => void
  readonly onEnd: () => void
  readonly onError: (error: Error) => void
}

/** Decompresses a stream as it arrives. */
export class StreamDecompressor {
  readonly #stages: readonly Transform[]
  #isClosed = false

  constructor(encodings: readonly Encoding[], { onChunk, onEnd, onError }: StreamHandlers) {
    const { createGunzip, createBrotliDecompress, createInflate } = nodeModule('node:zlib', 'give `fetch`')
    const create = { gzip: createGunzip, br: createBrotliDecompress, deflate: createInflate }
    this.#stages = encodings.map((encoding) => create[encoding]())
    for (const [at, stage] of this.#stages.entries()) {
      const next = this.#stages[at + 1]
      stage.on('error', onError)
      if (next === undefined) stage.on('data', onChunk).on('end', onEnd)
      else stage.pipe(next)
    }
  }

  /** Whether everything that was written has been given to `onChunk`. */
  get isFlushed(): boolean {
    return this.#stages.every(({ writableLength, readableLength }) => writableLength + readableLength === 0)
  }

  /** @throws Error where too much waits. */
  write(chunk: Uint8Array): void {
    const [first] = this.#stages
    if (first === undefined || this.#isClosed || first.writableEnded) return
    first.write(chunk)
    if (first.writableLength > MAX_PENDING_BYTES) throw new Error('Compressed data arrives too fast')
  }

  /** No more arrives: `onEnd` follows when the rest has been decompressed. */
  end(): void {
    this.#stages[0]?.end()
  }

  close(): void {
    this.#isClosed = true
    for (const stage of this.#stages) stage.destroy()
  }
}
