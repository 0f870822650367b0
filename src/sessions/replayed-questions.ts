import type { InputRequired, InputResponses } from '../components/input-required.js'
import { missingCapabilities, rootsQuestion, type Question } from '../components/questions.js'
import { ErrorCode, missingClientCapability, ProtocolError, PutOffError } from '../errors.js'
import type { Root } from '../protocol/client-types.js'
import { canonicalJson } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import { hashText } from '../util/hash-text.js'
import { OnceMemory, type Asker } from './asker.js'
import type { Exchange } from './exchange.js'
import { FIRST_ROUND, type RequestStates, type Resumed } from './request-state.js'
import type { Services } from './services.js'

export function askByReplaying(
  exchange: Exchange,
  { states }: Services,
  resumed: Resumed = FIRST_ROUND,
): Asker {
  return new ReplayedQuestions(exchange, states, resumed)
}

/**
 * 2026-07-28: a client cannot be asked in the middle of a call. The call is answered with the
 * questions, and when it comes again with the answers the handler runs from the top: what is
 * known is answered at once (basic/patterns/mrtr).
 */
class ReplayedQuestions implements Asker {
  readonly #exchange: Exchange
  readonly #states: RequestStates
  readonly #resumed: Resumed
  readonly memory: OnceMemory
  /** How often each question was asked in this run. */
  readonly #counts = new Map<string, number>()
  readonly #known: Record<string, JsonObject>
  readonly #asked = new Map<string, Question>()
  readonly #waiting: ((error: PutOffError) => void)[] = []
  #state: unknown
  #isPutOff = false
  #isScheduled = false

  constructor(exchange: Exchange, states: RequestStates, resumed: Resumed) {
    this.#exchange = exchange
    this.#states = states
    this.#resumed = resumed
    this.memory = new OnceMemory(resumed.once)
    this.#state = resumed.state
    this.#known = { ...resumed.answers }
  }

  get inputResponses(): InputResponses | undefined {
    return this.#resumed.responses
  }

  get requestState(): unknown {
    return this.#resumed.state
  }

  get isPutOff(): boolean {
    return this.#isPutOff
  }

  async ask<Answer>(question: Question<Answer>): Promise<Answer> {
    if (this.#isPutOff) throw new PutOffError()
    this.#refuseUnsupported(question)
    const key = this.#keyOf(question)
    const answer = this.#answerTo(key)
    if (answer !== undefined) return question.read(answer)
    this.#asked.set(key, question)
    this.#schedule()
    return this.#wait()
  }

  listRoots(): Promise<readonly Root[]> {
    return this.ask(rootsQuestion())
  }

  require({ inputRequests, requestState }: InputRequired): Promise<void> {
    for (const [key, question] of Object.entries(inputRequests)) {
      this.#refuseUnsupported(question)
      this.#asked.set(key, question)
    }
    this.#state = requestState
    this.#schedule()
    return this.#wait()
  }

  once<T>(key: string, run: () => T | Promise<T>): Promise<T> {
    return this.#isPutOff ? Promise.reject(new PutOffError()) : this.memory.once(key, run)
  }

  #refuseUnsupported({ requires }: Question): void {
    const missing = missingCapabilities(requires, this.#exchange.start.caller.capabilities)
    if (missing !== undefined) throw missingClientCapability(missing)
  }

  /** The same question gets the same key in every round; asked again in one run, it gets another. */
  #keyOf({ method, params, key = `${method}#${hashText(canonicalJson(params))}` }: Question): string {
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return count === 1 ? key : `${key}#${count}`
  }

  #answerTo(key: string): JsonObject | undefined {
    if (Object.hasOwn(this.#known, key)) return this.#known[key]
    const { responses } = this.#resumed
    if (responses === undefined || !Object.hasOwn(responses, key)) return undefined
    return (this.#known[key] = responses[key] as JsonObject)
  }

  #wait(): Promise<never> {
    return new Promise((_resolve, reject) => this.#waiting.push(reject))
  }

  /** Whatever else is asked in this turn of the event loop is asked together with it. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setTimeout(() => {
      this.#putOff().catch((error: unknown) => {
        this.#exchange.fail(error)
      })
    })
  }

  /** What waits is let go first: it may be within a `once`, whose end is then waited for. */
  async #putOff(): Promise<void> {
    this.#isPutOff = true
    for (const reject of this.#waiting) reject(new PutOffError())
    const { maxRounds } = this.#states
    const round = this.#resumed.round + 1
    if (round > maxRounds)
      throw new ProtocolError(
        ErrorCode.InvalidRequest,
        `The client was asked ${maxRounds} times, and it did not end: a question whose words change needs a key`,
      )
    const kept = { answers: this.#known, once: await this.memory.values(), state: this.#state, round }
    const requests = [...this.#asked].map(([key, { method, params }]) => [key, { method, params }] as const)
    this.#exchange.putOff({
      ...(requests.length > 0 ? { inputRequests: Object.fromEntries(requests) } : {}),
      requestState: await this.#states.seal(kept, this.#exchange.start),
    })
  }
}
