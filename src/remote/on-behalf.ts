import type { Question } from '../components/questions.js'
import type { ContentBlock, JsonObject } from '../protocol/types.js'
import type { Gate } from './gate.js'
import type { Principal } from './link.js'

/** The client that a request is made for, while it has its turn at the gate. When the client is asked, that turn is over: who waits for a person is in nobody's way. */
export class OnBehalf implements Principal {
  readonly #principal: Principal
  readonly #gate: Gate
  #isOver = false

  constructor(principal: Principal, gate: Gate) {
    this.#principal = principal
    this.#gate = gate
  }

  /** Whether its turn is over. */
  get isOver(): boolean {
    return this.#isOver
  }

  ask(question: Question<JsonObject>): Promise<JsonObject> {
    this.end()
    return this.#principal.ask(question)
  }

  tell(message: JsonObject): void {
    this.#principal.tell(message)
  }

  stream(content: readonly ContentBlock[]): void | Promise<void> {
    return this.#principal.stream(content)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#gate.leave()
  }
}
