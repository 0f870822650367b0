import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { MessageTooLongError } from '../../errors.js'
import type { HttpAnswer } from './http-client.js'

/** What comes on a stream of server-sent events. */
export interface EventHandlers {
  readonly onEvent: (event: EventSourceMessage) => void
  /** How long to wait before coming back, as the server wants it, in milliseconds. */
  readonly onRetry?: ((ms: number) => void) | undefined
}

/**
 * Read a stream of server-sent events to its end.
 * @throws ConnectionError where it breaks, or one event is longer than `maxBytes`.
 */
export async function readEvents(
  answer: HttpAnswer,
  maxBytes: number,
  handlers: EventHandlers,
): Promise<void> {
  let pending = 0
  const parser = createParser({
    onEvent: (event) => {
      pending = 0
      handlers.onEvent(event)
    },
    onComment: () => {
      pending = 0
    },
    ...(handlers.onRetry && { onRetry: handlers.onRetry }),
  })
  const decoder = new TextDecoder()
  await answer.read((chunk) => {
    pending += chunk.length
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (pending > maxBytes) throw new MessageTooLongError(maxBytes)
  })
}
