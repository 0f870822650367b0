import type { HttpHeaders } from './message.js'

/** Headers of a stream that nothing on the way may keep, change or hold back. */
export const EVENT_STREAM: HttpHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** A message as a server-sent event. JSON text has no line breaks, so it is one line of data. */
export function frame(message: string): string {
  return `event: message\ndata: ${message}\n\n`
}
