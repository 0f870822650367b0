import { InputRequired } from '../components/input-required.js'
import type { AnyRun, Middleware } from '../providers/transforms/middleware.js'

/** One run that is over. */
export interface RunReport {
  readonly kind: AnyRun['kind']
  readonly name: string
  /** `failed`: it threw. `isError`: a tool's result said so. `asked`: the client has to answer first. */
  readonly outcome: 'done' | 'isError' | 'asked' | 'failed'
  readonly durationMs: number
  readonly requestId: string | number
  readonly sessionId: string | undefined
  readonly client: string | undefined
  /** What it threw. */
  readonly error?: unknown
  /** The arguments, where `params` says to tell them. */
  readonly params?: unknown
}

export interface LoggingOptions {
  /** Default: one line of JSON to stderr. */
  readonly log?: (report: RunReport) => void
  /** Tell the arguments as well, which may hold what no log should. Default: `false`. */
  readonly params?: boolean
}

/** Tell of every run, once it is over, how it went and how long it took. */
export function logging({ log = toStderr, params: tellsParams = false }: LoggingOptions = {}): Middleware {
  return async (run, next) => {
    const since = performance.now()
    const report = (outcome: RunReport['outcome'], more: object = {}): void => {
      const { kind, name, params, context } = run
      const { requestId, sessionId, client } = context
      const durationMs = performance.now() - since
      const told = tellsParams ? { params } : {}
      log({ kind, name, outcome, durationMs, requestId, sessionId, client: client.name, ...told, ...more })
    }
    try {
      const result = await next()
      report(result instanceof InputRequired ? 'asked' : isError(result) ? 'isError' : 'done')
      return result
    } catch (error) {
      report('failed', { error })
      throw error
    }
  }
}

function isError(result: object): boolean {
  return (result as { isError?: unknown }).isError === true
}

function toStderr({ error, ...report }: RunReport): void {
  const failure = error instanceof Error ? { error: error.message } : {}
  console.error(JSON.stringify({ ...report, ...failure }))
}
