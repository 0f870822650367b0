import type { Reply } from './sinks.js'

/** One reply for a batch of requests: collects their answers and ends with all of them (2025-03-26, basic). */
export class BatchReply {
  readonly #outer: Reply
  readonly #answers: string[] = []
  #open = 0
  #isComplete = false

  constructor(outer: Reply) {
    this.#outer = outer
  }

  /** The reply of one message of the batch. */
  part(): Reply {
    this.#open += 1
    return {
      canSend: this.#outer.canSend,
      send: (message) => this.#outer.send(message),
      end: (message) => {
        this.#done(message)
      },
      accept: () => {
        this.#done(undefined)
      },
    }
  }

  /** Every message of the batch has been handed out. */
  complete(): void {
    this.#isComplete = true
    this.#finish()
  }

  #done(answer: string | undefined): void {
    if (answer !== undefined) this.#answers.push(answer)
    this.#open -= 1
    this.#finish()
  }

  #finish(): void {
    if (!this.#isComplete || this.#open > 0) return
    if (this.#answers.length > 0) this.#outer.end(`[${this.#answers.join(',')}]`)
    else this.#outer.accept()
  }
}
