/** Where the server's own messages go: console-like, so `console`, pino and winston fit as they are. */
export interface Logger {
  debug(...message: unknown[]): void
  info(...message: unknown[]): void
  warn(...message: unknown[]): void
  error(...message: unknown[]): void
}

/** The same logger, which cannot fail whoever uses it. */
export function guarded(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (...message: unknown[]): void => {
      try {
        logger[level](...message)
      } catch {
        // Nobody is left to be told that the logger fails.
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
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
