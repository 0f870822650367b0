/** Where the server's own messages go: console-like, so `console`, pino and winston fit as they are. */
export interface Logger {
  debug(...message: unknown[]): void
  info(...message: unknown[]): void
  warn(...message: unknown[]): void
  error(...message: unknown[]): void
}

/**
 * Warnings and errors on stderr. Never stdout: on stdio that is the wire.
 */
export const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (...message) => {
    console.error(...message)
  },
  error: (...message) => {
    console.error(...message)
  },
}
