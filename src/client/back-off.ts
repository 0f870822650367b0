const FIRST_MS = 250
const LONGEST_MS = 30_000

/** How long to wait before trying again, in milliseconds: twice as long each time, and not all at the same moment. */
function backOffMs(attempt: number): number {
  const most = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS)
  return most / 2 + Math.random() * (most / 2)
}

/**
 * Wait before trying again: `exactly` so long, or longer with each attempt.
 * @throws the reason of `signal`.
 */
export function backOff(attempt: number, signal: AbortSignal, exactly = backOffMs(attempt)): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, exactly)
    signal.addEventListener('abort', stop)
  })
}
