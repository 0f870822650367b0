import { PromptError, ProtocolError, PutOffError, ResourceError, UserError } from '../errors.js'
import type { AnyRun, Middleware, RunResult } from '../providers/transforms/middleware.js'
import { checkPositive } from './check.js'

export interface RetryOptions {
  /** How often a run is begun at most. Default: 3. */
  readonly attempts?: number
  /** Milliseconds before the second attempt; twice as many before each further one, and up to a half less at random. Default: 100. */
  readonly delayMs?: number
  /** The longest such wait, in milliseconds. Default: 5000. */
  readonly maxDelayMs?: number
  /** Whether an error may go away. Default: any but those that are meant for the client. */
  readonly isTransient?: (error: unknown) => boolean
}

/** Begin a run again that failed: of resources, of prompts, and of tools with `readOnlyHint` or `idempotentHint` only. */
export function retry(options: RetryOptions = {}): Middleware {
  const { attempts = 3, delayMs = 100, maxDelayMs = 5000, isTransient = isUnforeseen } = options
  checkPositive('retry: attempts', attempts)
  checkPositive('retry: delayMs', delayMs)
  checkPositive('retry: maxDelayMs', maxDelayMs)
  return async (run, next) => {
    if (!mayRepeat(run)) return next()
    const { signal } = run.context
    const attempt = async (nth: number): Promise<RunResult> => {
      try {
        return await next()
      } catch (error) {
        if (nth >= attempts || signal.aborted || !isTransient(error)) throw error
        await pause(Math.min(delayMs * 2 ** (nth - 1), maxDelayMs) * (1 - Math.random() / 2), signal)
        return attempt(nth + 1)
      }
    }
    return attempt(1)
  }
}

function mayRepeat({ kind, definition }: AnyRun): boolean {
  if (kind !== 'tool') return true
  const { readOnlyHint, idempotentHint } = definition.annotations ?? {}
  return readOnlyHint === true || idempotentHint === true
}

const FORESEEN = [UserError, ResourceError, PromptError, ProtocolError, PutOffError]

function isUnforeseen(error: unknown): boolean {
  return !FORESEEN.some((kind) => error instanceof kind)
}

/** Rejects at once when the run is called off. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    }, ms)
    signal.addEventListener('abort', giveUp, { once: true })
  })
}
