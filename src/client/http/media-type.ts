import type { ResponseHead } from './http-client.js'

/** Returns the media type of a response, without parameters and in lower case. */
export function mediaType(head: ResponseHead): string {
  const type = head.header('content-type')
  if (type === 'application/json') return type
  return type?.split(';')[0]?.trim().toLowerCase() ?? 'no content'
}

/** Whether a body of this type may hold messages of the protocol. */
export function mayHoldMessages(type: string): boolean {
  return type === 'application/json' || type === 'text/event-stream'
}
