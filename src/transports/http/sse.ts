import type { HttpHeaders } from './message.js'

/** Headers of a stream that nothing on the way may keep, change or hold back. */
export const EVENT_STREAM: HttpHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** A comment: no event, but a sign of life for those in between. */
export const KEEP_ALIVE = ': keep-alive\n\n'

/** How long a client should wait before it comes back to a stream that was cut, in milliseconds. */
const RETRY_MS = 1000

/** A message as a server-sent event. JSON text has no line breaks, so it is one line of data. */
export function frame(message: string, id?: string): string {
  return id === undefined
    ? `event: message\ndata: ${message}\n\n`
    : `id: ${id}\nevent: message\ndata: ${message}\n\n`
}

/** An event without a message, behind which a stream can be resumed before anything came on it. */
export function primingFrame(id: string): string {
  return `id: ${id}\nretry: ${RETRY_MS}\ndata: \n\n`
}
