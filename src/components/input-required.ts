import type { CreateMessageResult, ElicitResult, ListRootsResult } from '../protocol/client-types.js'
import { elicitation, rootsQuestion, sampling, type Question } from './questions.js'

/** What a handler returns that cannot go on without the client: what it asks, and what it wants to have back. */
export class InputRequired {
  readonly inputRequests: Readonly<Record<string, Question>>
  readonly requestState: unknown

  constructor({ inputRequests = {}, requestState }: InputRequiredOptions) {
    if (Object.keys(inputRequests).length === 0 && requestState === undefined)
      throw new TypeError('inputRequired needs inputRequests, or a requestState to be called with again')
    this.inputRequests = inputRequests
    this.requestState = requestState
  }
}

export interface InputRequiredOptions {
  /** What is asked, each under the key that its answer comes back by in `context.inputResponses`. */
  readonly inputRequests?: Readonly<Record<string, Question>>
  /** Any JSON value, given back as `context.requestState`. Clients can neither read nor change it. */
  readonly requestState?: unknown
}

/** A client's answer to one of the `inputRequests`, as it came: of an elicitation, a sampling or a list of roots. */
export type InputResponse = Partial<Omit<ElicitResult, 'content'>> &
  Partial<Omit<CreateMessageResult, 'content'>> &
  Partial<ListRootsResult> & { readonly content?: unknown }

export type InputResponses = Readonly<Record<string, InputResponse | undefined>>

/**
 * Answer a call with questions instead of a result: the handler is called again with the
 * answers (2026-07-28, basic/patterns/mrtr). Clients up to 2025-11-25 are asked one by one.
 *
 * `await context.elicit(…)` and the like do the same without a second way through the handler.
 */
export function inputRequired(options: InputRequiredOptions): InputRequired {
  return new InputRequired(options)
}

inputRequired.elicit = elicitation
inputRequired.sample = sampling
inputRequired.listRoots = rootsQuestion
