import type { Middleware } from '../providers/transforms/middleware.js'
import { Recent } from './recent.js'

/** How long the runs of one component took, in milliseconds. */
export interface Timing {
  readonly count: number
  /** How many of them threw. */
  readonly failed: number
  readonly meanMs: number
  readonly maxMs: number
  /** Half of the runs, 95 and 99 of 100 took no longer; at most 10 % too much. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

export interface TimingOptions {
  /** Of how many components, those that ran last, times are kept. Default: 1000. */
  readonly maxNames?: number
}

/** A middleware that knows how long things took. */
export interface TimingMiddleware extends Middleware {
  /** By `tool get_forecast`, `resource data://cities`, `prompt review`. */
  readonly timings: () => Readonly<Record<string, Timing>>
}

/** Keep how long the runs of each component take. */
export function timing({ maxNames = 1000 }: TimingOptions = {}): TimingMiddleware {
  const known = new Recent<Durations>(maxNames)
  const middleware: Middleware = async ({ kind, name }, next) => {
    const since = performance.now()
    let isDone = false
    try {
      const result = await next()
      isDone = true
      return result
    } finally {
      const key = `${kind} ${name}`
      const durations = known.get(key) ?? new Durations()
      known.set(key, durations)
      durations.add(performance.now() - since, isDone)
    }
  }
  const timings = () =>
    Object.fromEntries(known.entries().map(([name, durations]): [string, Timing] => [name, durations.timing]))
  return Object.assign(middleware, { timings })
}

/** Each bucket of the histogram is so much wider than the one before, beginning with a microsecond. */
const GROWTH = 1.1
const BUCKETS = 256
const NARROWEST_MS = 0.001

/** Durations, counted by how long they are, roughly: no more memory for a million than for one. */
class Durations {
  readonly #buckets = new Uint32Array(BUCKETS)
  #count = 0
  #failed = 0
  #sumMs = 0
  #maxMs = 0

  add(durationMs: number, isDone: boolean): void {
    const bucket = Math.ceil(Math.log(Math.max(durationMs, NARROWEST_MS) / NARROWEST_MS) / Math.log(GROWTH))
    const at = Math.min(bucket, BUCKETS - 1)
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1
    this.#count += 1
    if (!isDone) this.#failed += 1
    this.#sumMs += durationMs
    this.#maxMs = Math.max(this.#maxMs, durationMs)
  }

  get timing(): Timing {
    return {
      count: this.#count,
      failed: this.#failed,
      meanMs: this.#sumMs / this.#count,
      maxMs: this.#maxMs,
      p50Ms: this.#within(0.5),
      p95Ms: this.#within(0.95),
      p99Ms: this.#within(0.99),
    }
  }

  #within(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count
      if (left <= 0) return Math.min(NARROWEST_MS * GROWTH ** bucket, this.#maxMs)
    }
    return this.#maxMs
  }
}
