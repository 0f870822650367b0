import type { InputRequired, InputResponses } from '../components/input-required.js'
import type { Question } from '../components/questions.js'
import type { Root } from '../protocol/client-types.js'

/** How the run of one request asks its client: each era has its own way. */
export interface Asker {
  /** What the client answered to the questions that a handler returned. */
  readonly inputResponses: InputResponses | undefined
  /** What a handler that returned questions wanted to have back. */
  readonly requestState: unknown
  /** Whether this run has ended with questions, so that nothing that still comes of it is an answer. */
  readonly isPutOff: boolean
  ask<Answer>(question: Question<Answer>): Promise<Answer>
  listRoots(): Promise<readonly Root[]>
  /** Resolves when the handler that returned these questions can run again; if that is to be later, never does. */
  require(required: InputRequired): Promise<void>
  /** Run something in one round only, and remember the JSON it gives for all that follow. */
  once<T>(key: string, run: () => T | Promise<T>): Promise<T>
  /** What is remembered of earlier rounds: values, as `once` keeps them. */
  readonly memory: OnceMemory
}

/** Results that are remembered by a key, each made once however many ask for it at the same time. */
export class OnceMemory {
  readonly #made = new Map<string, Promise<unknown>>()
  readonly #values: Map<string, unknown>

  constructor(values: Iterable<[string, unknown]> = []) {
    this.#values = new Map(values)
  }

  once<T>(key: string, run: () => T | Promise<T>): Promise<T> {
    if (this.#values.has(key)) return Promise.resolve(this.#values.get(key) as T)
    const known = this.#made.get(key)
    if (known !== undefined) return known as Promise<T>
    const made = this.#make(key, run)
    this.#made.set(key, made)
    return made
  }

  get(key: string): unknown {
    return this.#values.get(key)
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, value)
  }

  /** Every result there is, once those that are being made are there. Failures are no results. */
  async values(): Promise<[string, unknown][]> {
    await Promise.allSettled(this.#made.values())
    return [...this.#values]
  }

  async #make<T>(key: string, run: () => T | Promise<T>): Promise<T> {
    try {
      const value = throughJson(await run())
      this.#values.set(key, value)
      return value
    } finally {
      this.#made.delete(key)
    }
  }
}

/** What is left of a value that travelled as JSON, so that the first round sees what later ones will. */
export function throughJson<T>(value: T): T {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? (undefined as T) : (JSON.parse(text) as T)
}

/** For requests that are answered with nothing but their result. */
export const NOBODY_TO_ASK: Asker = {
  inputResponses: undefined,
  requestState: undefined,
  isPutOff: false,
  ask: refuse,
  listRoots: refuse,
  require: refuse,
  once: refuse,
  // It is the same for all requests, and so remembers nothing.
  memory: new (class extends OnceMemory {
    override set(): void {
      // Nothing comes of it.
    }
  })(),
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('Only tools, resources and prompts can ask the client'))
}
