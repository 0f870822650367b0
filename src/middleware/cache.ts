import type { Context } from '../components/context.js'
import { InputRequired } from '../components/input-required.js'
import { canonicalJson } from '../protocol/json-rpc.js'
import { KINDS, type RunKind } from '../protocol/kinds.js'
import type { Change } from '../providers/changes.js'
import type { AnyRun, Middleware, RunResult } from '../providers/transforms/middleware.js'
import { viewerOf } from './callers.js'
import { checkPositive } from './check.js'
import { Recent } from './recent.js'

export interface CacheOptions {
  /** How long a result is kept, in milliseconds. Default: a minute. */
  readonly ttlMs?: number
  /** How many results are kept, those that were used last. Default: 1000. */
  readonly maxEntries?: number
  /** Larger results, in characters of JSON, are not kept. Default: 1,000,000. */
  readonly maxLength?: number
  /**
   * Give the result of one caller to another. Default: `false`, and callers that are neither
   * authenticated nor in a session get nothing kept.
   */
  readonly shared?: boolean
  /** Tells callers apart, where results are not shared. */
  readonly by?: (context: Context) => string | undefined
  /** Whether a run may be answered from what is kept. Default: resources, prompts, and tools with `readOnlyHint`. */
  readonly when?: (run: AnyRun) => boolean
}

interface Entry {
  readonly kind: RunKind
  readonly name: string
  /** As JSON: what is made of a result that was given must not be in the next. */
  readonly result: string
  readonly until: number
}

/** Answer a run again with what it gave before, until that is too old, or what it was about has changed. */
export function cache(options: CacheOptions = {}): Middleware {
  const { ttlMs = 60_000, maxEntries = 1000, maxLength = 1_000_000, shared = false } = options
  const { by = viewerOf, when = isReading } = options
  checkPositive('cache: ttlMs', ttlMs)
  checkPositive('cache: maxEntries', maxEntries)
  const entries = new Recent<Entry>(maxEntries)
  let changes = 0

  const onChange = (change: Change): void => {
    changes += 1
    entries.deleteWhere((_key, entry) => isAbout(change, entry))
  }

  const middleware: Middleware = async (run, next) => {
    const { kind, name, params, context } = run
    const caller = shared ? '' : by(context)
    if (caller === undefined || context.inputResponses !== undefined || !when(run)) return next()
    const key = canonicalJson([caller, kind, name, params ?? null])
    const known = entries.get(key)
    if (known !== undefined && known.until > performance.now()) return JSON.parse(known.result) as RunResult
    const before = changes
    const result = await next()
    if (before !== changes || !isGood(result)) return result
    const text = JSON.stringify(result)
    if (text.length <= maxLength)
      entries.set(key, { kind, name, result: text, until: performance.now() + ttlMs })
    return result
  }
  return Object.assign(middleware, { onChange })
}

function isReading({ kind, definition }: AnyRun): boolean {
  return kind !== 'tool' || definition.annotations?.readOnlyHint === true
}

function isGood(result: RunResult): boolean {
  return !(result instanceof InputRequired) && (result as { isError?: unknown }).isError !== true
}

function isAbout(change: Change, { kind, name }: Entry): boolean {
  if (change.type === 'resourceUpdated') return kind === 'resource' && name === change.uri
  return KINDS[change.kind].listChanged === KINDS[kind].listChanged
}
