import type { ConnectionError } from '../../errors.js'

const NOT_BEGUN = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Whether anything can have run where a connection failed: where there was none, nothing has. */
export function outcomeOf(error: unknown): ConnectionError['outcome'] {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code === 'string' && NOT_BEGUN.has(code)) return 'not begun'
  }
  return 'unknown'
}
