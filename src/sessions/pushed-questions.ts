import type { InputRequired, InputResponse, InputResponses } from '../components/input-required.js'
import { missingCapabilities, rootsQuestion, type Question } from '../components/questions.js'
import { ClientAnswerError, missingClientCapability } from '../errors.js'
import type { Root } from '../protocol/client-types.js'
import type { JsonObject } from '../protocol/types.js'
import { OnceMemory, throughJson, type Asker } from './asker.js'
import type { ClientLine } from './client-line.js'
import type { Exchange } from './exchange.js'

/** How often a handler may return questions before it must answer. */
const MAX_ROUNDS = 32

export function askByPushing(exchange: Exchange): Asker {
  return new PushedQuestions(exchange, exchange.start.session?.line)
}

/** 2024-11-05 to 2025-11-25: the client is sent a request, on the stream of the call that asks, and the run waits. */
class PushedQuestions implements Asker {
  readonly isPutOff = false
  inputResponses: InputResponses | undefined
  requestState: unknown
  readonly #exchange: Exchange
  readonly #line: ClientLine | undefined
  readonly memory = new OnceMemory()
  #over: AbortController | undefined
  #isOver = false
  #rounds = 0

  /** `line` is there where the client can send answers back. */
  constructor(exchange: Exchange, line: ClientLine | undefined) {
    this.#exchange = exchange
    this.#line = line
    exchange.whenOver(() => {
      this.#isOver = true
      this.#over?.abort(ended())
    })
  }

  async ask<Answer>(question: Question<Answer>): Promise<Answer> {
    return question.read(await this.#send(question, this.#overSignal))
  }

  async listRoots(): Promise<readonly Root[]> {
    const known = this.#line?.roots.fresh
    if (known !== undefined) return known
    const roots = await this.ask(rootsQuestion())
    this.#line?.roots.learn(roots)
    return roots
  }

  async require({ inputRequests, requestState }: InputRequired): Promise<void> {
    this.#rounds += 1
    if (this.#rounds > MAX_ROUNDS) throw new Error(`A handler asked more than ${MAX_ROUNDS} times`)
    const failed = new AbortController()
    const signal = AbortSignal.any([failed.signal, this.#overSignal])
    try {
      const answers = Object.entries(inputRequests).map(
        async ([key, question]): Promise<[string, InputResponse]> => [
          key,
          await this.#send(question, signal),
        ],
      )
      this.inputResponses = Object.fromEntries(await Promise.all(answers))
      this.requestState = throughJson(requestState)
    } finally {
      failed.abort(new ClientAnswerError('Another question of the same handler was not answered'))
    }
  }

  once<T>(key: string, run: () => T | Promise<T>): Promise<T> {
    return this.memory.once(key, run)
  }

  /** Fires when the call that asks is over. */
  get #overSignal(): AbortSignal {
    this.#over ??= new AbortController()
    if (this.#isOver) this.#over.abort(ended())
    return this.#over.signal
  }

  async #send(question: Question, over: AbortSignal): Promise<JsonObject> {
    const { method, params, requires } = question
    const { caller } = this.#exchange.start
    const missing = missingCapabilities(requires, caller.capabilities)
    if (missing !== undefined) throw missingClientCapability(missing)
    const { reply } = this.#exchange.start
    const signal = question.signal === undefined ? over : AbortSignal.any([over, question.signal])
    if (this.#line === undefined || !(reply.canSend || this.#line.isOpen))
      throw new ClientAnswerError(`There is no stream on which the client could be sent ${method}`)
    return this.#line.ask(method, params, signal, reply.canSend ? (text) => reply.send(text) : undefined)
  }
}

function ended(): ClientAnswerError {
  return new ClientAnswerError('The call that asked has ended')
}
