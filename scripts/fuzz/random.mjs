/** The same numbers for the same seed (mulberry32). */
export class Random {
  #state

  constructor(seed) {
    this.#state = seed >>> 0
  }

  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number below `limit`. */
  below(limit) {
    return Math.floor(this.next() * limit)
  }

  of(list) {
    return list[this.below(list.length)]
  }
}

/** Values that have broken others. */
const ODD = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  '',
  'x'.repeat(5000),
  '\u0000',
  '\ud800',
  '\u2028',
  '../../etc/passwd',
  '%00%ff%',
  '__proto__',
  'constructor',
  [],
  {},
  [[[[]]]],
  { __proto__: null, toString: 1 },
  { jsonrpc: '2.0' },
  'data: x\n\ndata: y',
]

/** A message with something in it changed, taken away, doubled or put in. */
export function mutated(random, message) {
  const copy = structuredClone(message)
  for (let count = 1 + random.below(3); count > 0; count--) mutateOnce(random, copy)
  return copy
}

function mutateOnce(random, root) {
  const places = []
  collect(root, places)
  if (places.length === 0) return
  const { holder, key } = random.of(places)
  switch (random.below(6)) {
    case 0:
      Reflect.deleteProperty(holder, key)
      break
    case 1:
      put(
        holder,
        random.of(['id', 'method', 'params', 'jsonrpc', '_meta', 'METHOD', '__proto__', 'x']),
        odd(random),
      )
      break
    case 2:
      holder[key] = [holder[key], holder[key]]
      break
    case 3:
      holder[key] =
        typeof holder[key] === 'string' ? spliced(random, holder[key]) : (JSON.stringify(holder[key]) ?? '')
      break
    default:
      put(holder, key, odd(random))
  }
}

/** One of them, of its own: it may be changed as well. */
function odd(random) {
  return structuredClone(random.of(ODD))
}

/** Also a member called `__proto__`. */
function put(holder, key, value) {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

function collect(value, places) {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    places.push({ holder: value, key })
    collect(value[key], places)
  }
}

/** Text with a piece cut out, doubled, or replaced by something odd. */
export function spliced(random, text) {
  const from = random.below(text.length + 1)
  const to = Math.min(text.length, from + random.below(8))
  const middle = random.of([
    '',
    text.slice(from, to).repeat(3),
    '\u0000',
    '%',
    '\r\n',
    '}',
    '"',
    '{',
    'é',
    ',',
  ])
  return text.slice(0, from) + middle + text.slice(to)
}
