import type { Relay } from '../components/context.js'
import { rawQuestion } from '../components/questions.js'
import { invalidParams } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import type { CallMemory } from './call-memory.js'
import type { OwnHandlers } from './upstream-connection.js'

/** Handlers of the proxy's own are not cancelled with the call. */
const NEVER = new AbortController().signal

/** How many times a server may ask before it must answer. */
const MAX_ROUNDS = 32

/** The state of a call between two rounds with the server. */
export interface RoundState {
  readonly round: number
  readonly inputRequests: unknown
  readonly requestState: unknown
  /** The process that issued the `requestState`. */
  readonly openId: string | undefined
  /** The result, once the server has answered. */
  readonly result?: JsonObject
}

interface Loop {
  readonly relay: Relay
  readonly memory: CallMemory
  /** The number of the call in the client's request. */
  readonly index: number
  /** Answers input requests in place of the client in front; returns `undefined` for those it has no handler for. */
  readonly answerOwn: OwnHandlers['answer'] | undefined
  /** The process that the call is sent to, if it is one. */
  readonly openId: string | undefined
  /** Sends the call; `answered` holds the answers and the state of the round before. */
  readonly send: (answered: JsonObject | undefined) => Promise<JsonObject>
}

/** Returns the state that an earlier round of the client's request has left. */
export function recallRound(memory: CallMemory): RoundState | undefined {
  const state = memory.recall()
  return isObject(state) ? (state as unknown as RoundState) : undefined
}

/**
 * Runs a call on a server from 2026-07-28 on, which may answer with input requests: the client in front is asked, in its
 * own era's way, and the call is sent again with the answers (basic/patterns/mrtr).
 * @param state the round that an earlier request of the client has left
 * @param first the result of the first round, if that was sent already
 */
export async function runWithInputRequired(
  loop: Loop,
  state: RoundState | undefined,
  first?: JsonObject,
): Promise<JsonObject> {
  if (state?.result !== undefined) return state.result
  const answered = state === undefined ? undefined : await answersTo(state, loop)
  const result = first ?? (await loop.send(answered))
  if (result['resultType'] === 'input_required')
    return runWithInputRequired(loop, nextRound(result, state, loop))
  // A later round of the client's request that makes the call again gets the same result.
  if (state !== undefined) loop.memory.remember({ ...state, result })
  return result
}

function nextRound(
  { inputRequests, requestState }: JsonObject,
  before: RoundState | undefined,
  { memory, openId }: Loop,
): RoundState {
  const round = (before?.round ?? 0) + 1
  if (round > MAX_ROUNDS)
    throw invalidParams(`The server asked more than ${MAX_ROUNDS} times, and did not answer`)
  if (inputRequests === undefined && requestState === undefined)
    throw invalidParams('The server asked for nothing, and did not answer')
  const state = { round, inputRequests, requestState, openId }
  memory.remember(state)
  return state
}

async function answersTo(
  { round, inputRequests, requestState }: RoundState,
  { relay, index, answerOwn }: Loop,
): Promise<JsonObject> {
  const requests = Object.entries(isObject(inputRequests) ? inputRequests : {})
  const answer = async ([name, request]: [string, unknown]): Promise<[string, JsonObject]> => {
    const { method, params: given } = isObject(request) ? request : {}
    const params = isObject(given) ? given : {}
    const own = typeof method === 'string' ? answerOwn?.(method, params, NEVER) : undefined
    if (own !== undefined) return [name, { ...(await own) }]
    // The first input requests of a client's request keep their names; others could be taken for them.
    const key = index === 1 && round === 1 ? name : `${name}~${index}.${round}`
    const question = rawQuestion(method, params, { key })
    if (question === undefined)
      throw invalidParams(`The server asked for ${String(method)}, which no client is asked`)
    return [name, await relay.ask(question)]
  }
  const inputResponses =
    requests.length === 0 ? undefined : Object.fromEntries(await Promise.all(requests.map(answer)))
  return {
    ...(inputResponses !== undefined && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  }
}
