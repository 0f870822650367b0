/** What a proxy costs: CPU of its own process, and how long a call takes, beside a server that is asked directly in the same era. */

const ADD = { name: 'add', arguments: { a: 19, b: 23 } }

const direct = (era) => ({ label: `direct ${era.slice(0, 4)}`, file: 'own', era })

const proxy = (front, behind, anonymous = 'separate') => ({
  label: `proxy ${front.slice(0, 4)} → ${behind.slice(0, 4)}${anonymous === 'share' ? ', shared' : ''}`,
  file: 'proxy',
  era: front,
  base: `direct ${front.slice(0, 4)}`,
  env: { UPSTREAM: behind, ANONYMOUS: anonymous },
})

const CONTENDERS = [
  direct('2025-11-25'),
  direct('2026-07-28'),
  { label: 'pass-through', file: 'pass-through', era: '2025-11-25' },
  { label: 'sdk v2 2025', file: 'sdk-proxy', era: '2025-11-25' },
  proxy('2025-11-25', '2025-11-25'),
  proxy('2025-11-25', '2026-07-28'),
  // Callers are anonymous: each call has a session of its own behind, unless sessions are shared.
  proxy('2026-07-28', '2025-11-25'),
  proxy('2026-07-28', '2025-11-25', 'share'),
  proxy('2026-07-28', '2026-07-28'),
]

/** A proxy runs through more code than others, which takes longer to be compiled; all get the time. */
const WARM_UP_MS = 3000

export async function measureProxies(compare) {
  for (const connections of [8, 1, 100]) {
    const title = `tools/call through a proxy, ${connections} at once`
    const contenders = CONTENDERS.map((contender) => ({ ...contender, connections, warmUpMs: WARM_UP_MS }))
    await compare(title, 1, 'tools/call', ADD, '42', 150, contenders)
  }
}
