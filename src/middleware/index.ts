/**
 * Middleware for `server.use(…)`.
 *
 * @module
 */
export { cache, type CacheOptions } from './cache.js'
export { limitSize, type LimitSizeOptions } from './limit-size.js'
export { logging, type LoggingOptions, type RunReport } from './logging.js'
export { rateLimit, type RateLimitOptions } from './rate-limit.js'
export { retry, type RetryOptions } from './retry.js'
export { timing, type Timing, type TimingMiddleware, type TimingOptions } from './timing.js'
