/** The parts before the `/` of all methods and notifications of the protocol, tasks included. */
const NAMESPACES: ReadonlySet<string> = new Set([
  'completion',
  'elicitation',
  'initialize',
  'logging',
  'ping',
  'prompts',
  'resources',
  'roots',
  'sampling',
  'server',
  'subscriptions',
  'tasks',
  'tools',
])

/** The notifications that a client sends about requests and the session. */
const NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/tasks/status',
])

/** Whether a method is the protocol's own, in any revision, rather than one of an extension. */
export function isProtocolMethod(method: string): boolean {
  if (method.startsWith('notifications/')) return NOTIFICATIONS.has(method)
  const slash = method.indexOf('/')
  return NAMESPACES.has(slash < 0 ? method : method.slice(0, slash))
}
