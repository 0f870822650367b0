import type { Context } from '../components/context.js'
import { UserError } from '../errors.js'
import type { Middleware } from '../providers/transforms/middleware.js'
import { callerOf } from './callers.js'
import { checkPositive } from './check.js'
import { Recent } from './recent.js'

export interface RateLimitOptions {
  /** How many runs a caller may begin within `windowMs`, and at once. */
  readonly limit: number
  /** In milliseconds. Default: a minute. */
  readonly windowMs?: number
  /**
   * Tells callers apart. Default: what `authenticate` returned, if it has an `id` or `sub`, else
   * the session; those without either share one limit.
   */
  readonly by?: (context: Context) => string | undefined
  /** Of how many callers, those that came last, is kept what they have left. Default: 10,000. */
  readonly maxCallers?: number
}

/** How many runs a caller has left, as of when. */
interface Bucket {
  left: number
  at: number
}

/** Refuse runs of callers that come too often, saying when to come again. What is left grows back evenly. */
export function rateLimit(options: RateLimitOptions): Middleware {
  const { limit, windowMs = 60_000, by = callerOf, maxCallers = 10_000 } = options
  if (!(limit >= 1)) throw new TypeError(`rateLimit: limit must be a number of at least 1, not ${limit}`)
  checkPositive('rateLimit: windowMs', windowMs)
  checkPositive('rateLimit: maxCallers', maxCallers)
  const buckets = new Recent<Bucket>(maxCallers)
  const perMs = limit / windowMs
  return ({ context }, next) => {
    const caller = by(context) ?? ''
    const now = performance.now()
    const bucket = buckets.get(caller) ?? { left: limit, at: now }
    bucket.left = Math.min(limit, bucket.left + (now - bucket.at) * perMs)
    bucket.at = now
    buckets.set(caller, bucket)
    if (bucket.left < 1) {
      const retryAfterMs = Math.ceil((1 - bucket.left) / perMs)
      const seconds = Math.ceil(retryAfterMs / 1000)
      throw new UserError(`Too many calls: try again in ${seconds} s`, { retryAfterMs })
    }
    bucket.left -= 1
    return next()
  }
}
