/** Takes note of what happened, and says what of it must not have. */
import { foreignIn, ownerOf } from './tags.mjs'

const MAX_SHOWN = 20
/** How long after a stray response calls may fail for it: a proxy does not try at once again what has just failed. */
const STRAY_MS = 1500
/** After how many calls something of everything must have been heard. */
const LEAST_CALLS = 500

export class Judge {
  calls = 0
  foreign = 0
  /** The number of calls before the first foreign tag. */
  firstForeign
  lastFinished = Date.now()
  #heard = new Map()
  #seed
  #running = new Set()
  /** Where each call went, by its tag, and the same as text. */
  #routes = new Map()
  #ways = new Map()
  #injected = new Map()
  #strays = []
  /** Calls that failed, and may have been meant to. */
  #failed = []
  #shown = []
  #wrong = 0
  #isReported = false

  constructor(seed) {
    this.#seed = seed
  }

  /** The calls under way, as text. */
  get waiting() {
    return [...this.#running].map(({ tag }) => `${tag}${this.#ways.get(tag)}`).join(', ') || 'none'
  }

  get faults() {
    return [...this.#injected.values()].reduce((sum, kinds) => sum + kinds.size, 0)
  }

  /** The function by which an upstream reports. */
  get observer() {
    return {
      injected: (tag, fault) => this.#injected.set(tag, (this.#injected.get(tag) ?? new Set()).add(fault)),
      foreign: (tag, what) => this.foundForeign(tag, what),
      stray: (tag) => this.#strays.push({ prefix: this.#routes.get(tag)?.prefix, at: Date.now() }),
    }
  }

  /** Looks for what is not of the owner of `tag`. */
  check(tag, where, value) {
    const foreign = foreignIn(ownerOf(tag), value)
    if (foreign !== undefined) this.foundForeign(tag, `got as ${where}: ${foreign}`)
  }

  /** The same for what comes besides results. */
  hears(tag, where, value) {
    this.#heard.set(where, (this.#heard.get(where) ?? 0) + 1)
    this.check(tag, where, value)
  }

  /** Silence would prove nothing. */
  checkHeard() {
    if (this.calls < LEAST_CALLS || this.foreign > 0) return
    for (const what of ['a question', 'a log message', 'progress'])
      if ((this.#heard.get(what) ?? 0) < this.calls / 100)
        this.wrong(`callers got ${what} only ${this.#heard.get(what) ?? 0} times`)
  }

  foundForeign(tag, what) {
    this.foreign += 1
    this.firstForeign ??= this.calls
    this.#show(`FOREIGN TAG ${tag}${this.#ways.get(tag) ?? ''} ${what}`)
  }

  began(call) {
    const { tag, route, tool, fault = 'no fault' } = call
    this.#running.add(call)
    this.#routes.set(tag, route)
    this.#ways.set(tag, ` (${route.gateway}/${route.prefix}, ${tool}, ${fault})`)
  }

  finished(call) {
    this.#running.delete(call)
    this.calls += 1
    this.lastFinished = Date.now()
  }

  /** A call failed that was not called off. `call`: its `tag`, `fault`, `route` and `began`. */
  failed(call, problem) {
    this.#failed.push({ ...call, problem, ended: Date.now() })
  }

  /** Something that no fault explains. */
  wrong(problem) {
    this.#wrong += 1
    this.#show(`FAILURE ${problem}`)
    if (!this.#isReported) return
    console.error(`seed ${this.#seed}: FAILURE ${problem}`)
    process.exitCode = 1
  }

  /** How many failures have no explanation. Call it once, when all is over. */
  unexplained() {
    for (const call of this.#failed) {
      if (this.#injected.get(call.tag)?.has(call.fault) || this.#metStray(call)) continue
      this.wrong(`${call.tag}${this.#ways.get(call.tag)}: ${call.problem}`)
    }
    return this.#wrong
  }

  report() {
    this.#isReported = true
    for (const line of this.#shown) console.error(`seed ${this.#seed}: ${line}`)
    const hidden = this.foreign + this.#wrong - this.#shown.length
    if (hidden > 0) console.error(`seed ${this.#seed}: ${hidden} more`)
  }

  #show(line) {
    if (this.#shown.length < MAX_SHOWN) this.#shown.push(line)
  }

  /** Whether a stray response may have broken its connection, or the one that the proxy asks for lists. */
  #metStray({ route, began, ended, problem }) {
    if (!/lost|not known whether|unavailable/.test(problem)) return false
    return this.#strays.some(
      ({ prefix, at }) => prefix === route.prefix && at > began - STRAY_MS && at <= ended,
    )
  }
}
