import { isContentBlock } from './content.js'
import { ContextView, type Context } from './context.js'
import { toBlocks } from './result.js'
import type { ContentBlock } from '../protocol/types.js'

/** What may be streamed: text, or pieces of content. */
export type Streamed = string | ContentBlock | readonly ContentBlock[]

/**
 * The context of one run of a tool, which keeps what the run streams. Strings are pieces of
 * one text and are joined; blocks stay as they are. Should the handler return nothing, this
 * is its result.
 */
export class StreamingContext extends ContextView {
  readonly #behind: Context
  #blocks: ContentBlock[] | undefined
  #endsWithText = false

  constructor(behind: Context) {
    super(behind)
    this.#behind = behind
  }

  override get streamContent(): Context['streamContent'] {
    const send = this.#behind.streamContent
    return (content) => {
      this.#add(content)
      return send(content)
    }
  }

  /** All of it, or `undefined` if nothing was streamed. */
  get streamed(): ContentBlock[] | undefined {
    return this.#blocks
  }

  #add(content: Streamed): void {
    this.#blocks ??= []
    const last = this.#blocks.at(-1)
    if (typeof content === 'string' && this.#endsWithText && last?.type === 'text') last.text += content
    else this.#blocks.push(...toBlocks(content))
    this.#endsWithText = typeof content === 'string'
  }
}

/** Whether a handler gave something that is still to come: a promise, or a generator. */
export function isLater(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('then' in value || isAsyncGenerator(value))
}

/** What a handler gives in the end. */
export async function finished(returned: unknown, context: Context): Promise<unknown> {
  const value = await returned
  return isAsyncGenerator(value) ? drain(value, context) : value
}

function isAsyncGenerator(value: unknown): value is AsyncGenerator<unknown, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof (value as AsyncGenerator).next === 'function'
  )
}

/** Run a generator to its end, streaming what it yields; gives what it returns. */
async function drain(generator: AsyncGenerator<unknown, unknown>, context: Context): Promise<unknown> {
  let isDone = false
  try {
    for (;;) {
      const { done, value } = await generator.next()
      isDone = done === true
      if (isDone) return value
      context.signal.throwIfAborted()
      await context.streamContent(toStreamed(value))
    }
  } finally {
    // However it is left: what it holds open is for its own `finally` to close.
    if (!isDone) await (generator.return as typeof generator.return | undefined)?.call(generator, undefined)
  }
}

function toStreamed(value: unknown): Streamed {
  if (typeof value === 'string' || isContentBlock(value)) return value
  if (Array.isArray(value) && value.every(isContentBlock)) return value
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`A ${typeof value} cannot be streamed`)
  return text
}
