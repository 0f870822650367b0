import { invalidParams } from '../errors.js'
import type { LogLevel } from './types.js'

/** The log levels, least severe first (RFC 5424; server/utilities/logging). */
const LOG_LEVELS: readonly LogLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

export function isAtLeast(level: LogLevel, threshold: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold)
}

/** @throws ProtocolError -32602 for what is no level. */
export function readLogLevel(level: unknown): LogLevel {
  if (!LOG_LEVELS.includes(level as LogLevel))
    throw invalidParams(`Unknown log level: ${JSON.stringify(level)}`)
  return level as LogLevel
}
