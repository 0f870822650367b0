import { TimeoutError } from '../errors.js'
import { ContextView, RELAY, type Context, type Relay } from './context.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

/** The context of a run that has only so much time. */
class TimedContext extends ContextView {
  readonly #signal: AbortSignal

  constructor(behind: Context, expiry: AbortSignal) {
    super(behind)
    this.#signal = AbortSignal.any([behind.signal, expiry])
  }

  override get signal(): AbortSignal {
    return this.#signal
  }

  override [RELAY](): Relay {
    return { ...super[RELAY](), signal: this.#signal }
  }
}

/** Run with a limit on the time: past it the run's signal fires and `TimeoutError` is thrown. */
export async function withTimeout<T>(
  timeoutMs: number,
  tool: string,
  context: Context,
  run: (context: Context) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => {
        const error = new TimeoutError(tool, timeoutMs)
        controller.abort(error)
        reject(error)
      },
      Math.min(timeoutMs, LONGEST_TIMER_MS),
    )
  })
  try {
    return await Promise.race([run(new TimedContext(context, controller.signal)), expired])
  } finally {
    clearTimeout(timer)
  }
}
