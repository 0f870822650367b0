/** Ten callers, who come and go, and call whatever there is. */
/* global AbortController */
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../fuzz/random.mjs'
import { connectClient } from './clients.mjs'
import { gatewayFor, makeCall, planCall, planRetry } from './plan.mjs'
import { tagOf } from './tags.mjs'

const OLD = '2025-11-25'
const NEW = '2026-07-28'

export const CALLERS = [
  { kind: 'v1', era: OLD, hasKey: false },
  { kind: 'v1', era: OLD, hasKey: true },
  { kind: 'v2', era: OLD, hasKey: false },
  { kind: 'v2', era: NEW, hasKey: false },
  { kind: 'v2', era: NEW, hasKey: true },
  { kind: 'own', era: OLD, hasKey: false },
  { kind: 'own', era: OLD, hasKey: true },
  { kind: 'own', era: NEW, hasKey: false },
  { kind: 'own', era: NEW, hasKey: false },
  { kind: 'own', era: NEW, hasKey: true },
]

/** How many questions in a run are left open by clients that called the call off: a proxy holds such calls for long. */
const MAX_LEFT = 60

const LOST_PROCESS = /The process that began this call has ended/

export class Caller {
  #nth
  #who
  #harness
  #random
  #calls = 0
  #isOver = () => false

  /** `harness`: `judge`, `urls`, `fastmesh` and `left`, which counts calls that were left while they asked. */
  constructor(nth, seed, harness) {
    this.#nth = nth
    this.#who = CALLERS[nth]
    this.#harness = harness
    this.#random = new Random(seed * 1000 + nth)
  }

  /** Come and go until `isOver` says so. */
  async run(isOver) {
    this.#isOver = isOver
    while (!isOver()) {
      try {
        await this.#visit()
      } catch (error) {
        this.#harness.judge.wrong(`caller-${this.#nth} could not connect or leave: ${error.stack}`)
        await delay(100)
      }
    }
  }

  async #visit() {
    const random = this.#random
    const gateway = gatewayFor(random, this.#who)
    const visit = { client: await this.#connect(gateway), gateway, isCut: false }
    const lines = Array.from({ length: 1 + random.below(4) }, () => this.#callSome(visit))
    const isAbrupt = random.below(3) === 0
    if (isAbrupt) {
      await Promise.race([...lines, delay(50 + random.below(1000))])
      visit.isCut = true
    } else await Promise.all(lines)
    await visit.client.close(isAbrupt)
    await Promise.all(lines)
  }

  #connect(gateway) {
    const { kind, era, hasKey } = this.#who
    const { judge, urls, fastmesh } = this.#harness
    const own = `caller-${this.#nth}`
    const answers = {
      elicit: async (request) => {
        judge.hears(own, 'a question', request)
        await delay(this.#random.below(12))
        return { action: 'accept', content: { answer: `${own} answers ${request.message}` } }
      },
      roots: () => [`file:///${own}`],
    }
    return connectClient(
      {
        kind,
        era,
        // Several that introduce themselves alike are to be kept apart as well.
        name: this.#random.below(2) === 0 ? own : 'caller',
        headers: { 'x-tag': own, ...(hasKey && { 'x-key': own }) },
        hears: (what, message) => judge.hears(own, what, message),
        answers,
        hearsLog: this.#random.below(4) > 0,
      },
      urls[gateway],
      fastmesh,
    )
  }

  async #callSome(visit) {
    for (let left = 5 + this.#random.below(25); left > 0 && !visit.isCut && !this.#isOver(); left--) {
      const plan = this.#plan(visit.gateway)
      await this.#call(visit, plan)
      if (plan.isRetried && !visit.isCut) await this.#call(visit, planRetry(plan, this.#nextTag()))
    }
  }

  #nextTag() {
    return tagOf(this.#nth, (this.#calls += 1))
  }

  #plan(gateway) {
    const plan = planCall(this.#random, this.#who, gateway, this.#nextTag())
    const asks = plan.tool === 'ask' || plan.tool === 'roots'
    const isLeft = asks && (plan.timeoutMs ?? plan.cancelMs) !== undefined
    if (!isLeft || (this.#harness.left += 1) <= MAX_LEFT) return plan
    return { ...planRetry(plan, plan.tag), isRetried: false }
  }

  async #call(visit, plan) {
    const { judge } = this.#harness
    const { tag, timeoutMs, cancelMs, tool } = plan
    const controller = new AbortController()
    const onProgress = ({ message }) => {
      judge.hears(tag, 'progress', message)
      // The official client reports of its own as well.
      if (message.includes('caller-') && message !== tag)
        judge.foundForeign(tag, `got as progress: ${message}`)
    }
    const options = { signal: controller.signal, timeoutMs, ...(tool === 'chat' && { onProgress }) }
    const timer =
      cancelMs === undefined ? undefined : setTimeout(() => controller.abort(new Error('Off')), cancelMs)
    const began = Date.now()
    judge.began(plan)
    try {
      const text = await makeCall(visit.client, plan, options)
      judge.check(tag, 'a result', text)
      const problem = problemIn(plan, this.#nth, text)
      if (problem !== undefined) this.#failed(visit, plan, began, problem)
    } catch (error) {
      judge.check(tag, 'an error', `${error.message} ${JSON.stringify(error.data)}`)
      this.#failed(visit, plan, began, error.message)
    } finally {
      clearTimeout(timer)
      judge.finished(plan)
    }
  }

  #failed({ isCut }, plan, began, problem) {
    const isCalledOff = (plan.timeoutMs ?? plan.cancelMs) !== undefined
    const isLost = plan.route.mayLoseProcess && LOST_PROCESS.test(problem)
    if (!isCut && !isCalledOff && !isLost && !plan.route.isHasty)
      this.#harness.judge.failed({ ...plan, began }, problem)
  }
}

/** Returns the fault of a result, if it has one. */
function problemIn({ tag, tool, route }, nth, text) {
  if (tool === 'read' || tool === 'prompt' || tool === 'complete')
    return text === tag ? undefined : `it gave ${text}`
  const { tag: given, answer, refused, header } = JSON.parse(text)
  if (given !== tag) return `it gave ${text}`
  if (tool === 'headers' && route.passes && header !== `caller-${nth}`) return `the header was ${header}`
  if ((tool === 'ask' || tool === 'roots') && answer === undefined && route.canAsk)
    return `the question was not answered: ${refused}`
  return undefined
}
