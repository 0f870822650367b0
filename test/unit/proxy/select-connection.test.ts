import { describe, expect, test } from 'vitest'
import {
  selectConnection,
  type CallerTraits,
  type ConnectionKind,
  type UpstreamTraits,
} from '../../../src/proxy/select-connection.js'

const SESSION: CallerTraits = {
  era: '2025-11-25',
  hasSession: true,
  isIdentified: false,
  acceptsInput: true,
  wantsLogs: true,
}
const ANONYMOUS: CallerTraits = { ...SESSION, era: '2026-07-28', hasSession: false, wantsLogs: false }
const AUTHENTICATED: CallerTraits = { ...ANONYMOUS, isIdentified: true }
const LOGGING: CallerTraits = { ...ANONYMOUS, wantsLogs: true }

const HTTP_2025: UpstreamTraits = {
  kind: 'http',
  era: '2025-11-25',
  hasSessions: true,
  isShared: false,
  sharesAnonymous: false,
}
const HTTP_2026: UpstreamTraits = { ...HTTP_2025, era: '2026-07-28' }
const WITHOUT_SESSIONS: UpstreamTraits = { ...HTTP_2025, hasSessions: false }
const STDIO_2025: UpstreamTraits = { ...HTTP_2025, kind: 'process' }
const STDIO_2026: UpstreamTraits = { ...HTTP_2026, kind: 'process' }
const SHARED: UpstreamTraits = { ...STDIO_2025, isShared: true }
const SHARING: UpstreamTraits = { ...HTTP_2025, sharesAnonymous: true }

/** The table of docs/proxies.md. */
test.each<[string, CallerTraits, UpstreamTraits, ConnectionKind]>([
  ['a session before HTTP of 2025', SESSION, HTTP_2025, 'session'],
  ['a session before HTTP without sessions', SESSION, WITHOUT_SESSIONS, 'session'],
  ['a session before HTTP of 2026', SESSION, HTTP_2026, 'control'],
  ['a session before memory of 2025', SESSION, { ...HTTP_2025, kind: 'memory' }, 'session'],
  ['a session before a process of 2025', SESSION, STDIO_2025, 'control'],
  ['a session before a process of 2026', SESSION, STDIO_2026, 'control'],
  ['a session before a shared server', SESSION, SHARED, 'control'],
  ['an anonymous caller before HTTP of 2025', ANONYMOUS, HTTP_2025, 'fresh'],
  ["an anonymous caller before HTTP of 2025 with anonymous: 'share'", ANONYMOUS, SHARING, 'exclusive'],
  ['an anonymous caller before HTTP without sessions', ANONYMOUS, WITHOUT_SESSIONS, 'control'],
  ['an anonymous caller before HTTP of 2026', ANONYMOUS, HTTP_2026, 'control'],
  ['an anonymous caller before memory of 2025', ANONYMOUS, { ...HTTP_2025, kind: 'memory' }, 'fresh'],
  ['an anonymous caller before a process of 2025', ANONYMOUS, STDIO_2025, 'exclusive'],
  ['an anonymous caller before a process of 2026', ANONYMOUS, STDIO_2026, 'control'],
  ['a caller with a log level before a process of 2026', LOGGING, STDIO_2026, 'exclusive'],
  ['a caller with a log level before HTTP of 2026', LOGGING, HTTP_2026, 'control'],
  ['an anonymous caller before a shared server', ANONYMOUS, SHARED, 'control'],
  ['an authenticated caller before HTTP of 2025', AUTHENTICATED, HTTP_2025, 'exclusive'],
  ['an authenticated caller before HTTP without sessions', AUTHENTICATED, WITHOUT_SESSIONS, 'control'],
  ['an authenticated caller before HTTP of 2026', AUTHENTICATED, HTTP_2026, 'control'],
  ['an authenticated caller before a process of 2025', AUTHENTICATED, STDIO_2025, 'exclusive'],
])('%s › uses its connection', (_name, caller, upstream, expected) => {
  expect(selectConnection(caller, upstream).connection).toBe(expected)
})

describe('a call is suspendable', () => {
  test.each<[string, CallerTraits, UpstreamTraits, boolean]>([
    ['of 2026 before 2025', ANONYMOUS, HTTP_2025, true],
    ['of 2026 before a shared server of 2025', ANONYMOUS, SHARED, true],
    [
      'of 2026 before 2025, by a client that cannot be asked',
      { ...ANONYMOUS, acceptsInput: false },
      HTTP_2025,
      false,
    ],
    ['of 2026 before 2026', ANONYMOUS, HTTP_2026, false],
    ['of a session before 2025', SESSION, HTTP_2025, false],
  ])('%s: %#', (_name, caller, upstream, expected) => {
    expect(selectConnection(caller, upstream).suspendable).toBe(expected)
  })
})
