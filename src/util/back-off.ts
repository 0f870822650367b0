const FIRST_MS = 250
const LONGEST_MS = 30_000

/** How long to wait before the next attempt, in milliseconds: twice as long after each, up to 30 s, with jitter. */
export function backOffMs(attempt: number, longestMs = LONGEST_MS): number {
  const most = Math.min(FIRST_MS * 2 ** attempt, longestMs)
  return most / 2 + Math.random() * (most / 2)
}

/**
 * Waits before the next attempt: `ms`, or longer after each attempt.
 * @throws the reason of `signal`.
 */
export function backOff(attempt: number, signal: AbortSignal, ms = backOffMs(attempt)): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop)
  })
}
