/** Differences between two observations, by path. */

/** Members by which the definitions of a list, and the events of a kind, are told apart. */
const KEYS = ['name', 'uri', 'uriTemplate']

export function differences(direct, proxied, path = '') {
  if (same(direct, proxied)) return []
  if (Array.isArray(direct) && Array.isArray(proxied)) return betweenLists(direct, proxied, path)
  if (isObject(direct) && isObject(proxied))
    return [...new Set([...Object.keys(direct), ...Object.keys(proxied)])].flatMap((key) =>
      differences(direct[key], proxied[key], path === '' ? key : `${path}.${key}`),
    )
  return [{ path, direct, proxied }]
}

function betweenLists(direct, proxied, path) {
  if (path.startsWith('told.')) return betweenEvents(direct, proxied, path)
  const key = KEYS.find((name) => [...direct, ...proxied].every((item) => typeof item?.[name] === 'string'))
  if (key === undefined) return byPosition(direct, proxied, path)
  const left = direct.map((item) => item[key])
  const right = proxied.map((item) => item[key])
  if (new Set(left).size < left.length || new Set(right).size < right.length)
    return byPosition(direct, proxied, path)
  const found = left.flatMap((name, at) => {
    const other = right.indexOf(name)
    return other < 0
      ? [{ path: `${path}[${name}]`, direct: 'listed', proxied: undefined }]
      : differences(direct[at], proxied[other], `${path}[${name}]`)
  })
  const added = right.filter((name) => !left.includes(name))
  found.push(...added.map((name) => ({ path: `${path}[${name}]`, direct: undefined, proxied: 'listed' })))
  const [order, otherOrder] = [
    left.filter((name) => right.includes(name)),
    right.filter((name) => left.includes(name)),
  ]
  if (!same(order, otherOrder)) found.push({ path: `${path} (order)`, direct: order, proxied: otherOrder })
  return found
}

/** Notifications that one side did not get, or in another order. */
function betweenEvents(direct, proxied, path) {
  const left = [...direct]
  const added = proxied.filter((event) => {
    const at = left.findIndex((other) => same(event, other))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  const found = [
    ...left.map((event) => ({ path, direct: event, proxied: undefined })),
    ...added.map((event) => ({ path, direct: undefined, proxied: event })),
  ]
  return found.length > 0 ? found : [{ path: `${path} (order)`, direct, proxied }]
}

function byPosition(direct, proxied, path) {
  const length = Math.max(direct.length, proxied.length)
  return Array.from({ length }, (_, at) => differences(direct[at], proxied[at], `${path}[${at}]`)).flat()
}

function same(one, other) {
  if (one === other) return true
  if (Array.isArray(one) !== Array.isArray(other)) return false
  if (!isObject(one) && !Array.isArray(one)) return false
  if (!isObject(other) && !Array.isArray(other)) return false
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => same(one[key], other[key]))
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sorts differences into those that are expected, with the reason, and the rest. */
export function sorted(found, server, expected) {
  const known = []
  const unknown = []
  for (const difference of found) {
    const entry = expected.find(
      ({ servers, path, when }) =>
        (servers === undefined || servers.includes(server.name)) &&
        path.test(difference.path) &&
        (when === undefined || when(difference)),
    )
    if (entry === undefined) unknown.push(difference)
    else known.push({ ...difference, entry })
  }
  return { known, unknown }
}

export function line({ path, direct, proxied }, width = 150) {
  return `${short(path, width)}: ${short(shown(direct), width)} ≠ ${short(shown(proxied), width)}`
}

function shown(value) {
  return value === undefined ? '(none)' : JSON.stringify(value)
}

function short(text, width) {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/**
 * Replaces what no two runs have in common, such as times, by what the entry of a server says. Of a server that
 * `replays` notifications each one counts once.
 */
export function normalized(observation, { normalize = [], replays = false }) {
  let text = JSON.stringify(observation)
  for (const [pattern, replacement] of normalize) text = text.replaceAll(pattern, replacement)
  const result = JSON.parse(text)
  if (replays)
    for (const [method, events] of Object.entries(result.told)) result.told[method] = distinct(events)
  return result
}

function distinct(events) {
  return [...new Set(events.map((event) => JSON.stringify(event)))].map((event) => JSON.parse(event))
}
