import type { Relay } from '../components/context.js'
import { rawQuestion } from '../components/questions.js'
import { invalidParams } from '../errors.js'
import { isObject } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'

/** How often a server may ask before it must answer. */
const MAX_ROUNDS = 32

/** What a server from 2026-07-28 on asked before it answers, as it is remembered from round to round. */
interface Step {
  readonly round: number
  readonly inputRequests: unknown
  readonly requestState: unknown
  /** There where it has answered since. */
  readonly result?: JsonObject
}

/**
 * Run something on a server from 2026-07-28 on, which may have to know more first: the client
 * in front is asked, in its own era's way, and it is run again with the answers
 * (basic/patterns/mrtr). `turn` and `label` are what it goes by in each round of the request in front.
 */
export function askedThrough(
  relay: Relay,
  turn: number,
  label: string,
  run: (answered: JsonObject | undefined) => Promise<JsonObject>,
): Promise<JsonObject> {
  const key = `${turn} ${label}`
  const step = relay.recall(key) as Step | undefined
  if (step === undefined)
    return run(undefined).then((result) => (isQuestion(result) ? ask(result, undefined) : result))
  return step.result === undefined ? goOn(step) : Promise.resolve(step.result)

  async function goOn(asked: Step): Promise<JsonObject> {
    const result = await run(await answersTo(asked, turn, relay))
    if (isQuestion(result)) return ask(result, asked)
    // A later round that runs it again is to get the same.
    relay.remember(key, { ...asked, result })
    return result
  }

  function ask({ inputRequests, requestState }: JsonObject, before: Step | undefined): Promise<JsonObject> {
    const round = (before?.round ?? 0) + 1
    if (round > MAX_ROUNDS)
      throw invalidParams(`The server asked more than ${MAX_ROUNDS} times, and did not answer`)
    if (inputRequests === undefined && requestState === undefined)
      throw invalidParams('The server asked for nothing, and did not answer')
    const asked = { round, inputRequests, requestState }
    relay.remember(key, asked)
    return goOn(asked)
  }
}

function isQuestion({ resultType }: JsonObject): boolean {
  return resultType === 'input_required'
}

async function answersTo(
  { round, inputRequests, requestState }: Step,
  turn: number,
  relay: Relay,
): Promise<JsonObject> {
  const asked = Object.entries(isObject(inputRequests) ? inputRequests : {})
  const answer = async ([name, request]: [string, unknown]): Promise<[string, JsonObject]> => {
    const { method, params } = isObject(request) ? request : {}
    // The first questions of a request keep their names; others could be taken for them.
    const known = turn === 1 && round === 1 ? name : `${name}~${turn}.${round}`
    const question = rawQuestion(method, isObject(params) ? params : {}, { key: known })
    if (question === undefined)
      throw invalidParams(`The server asked for ${String(method)}, which no client is asked`)
    return [name, await relay.ask(question)]
  }
  const inputResponses =
    asked.length === 0 ? undefined : Object.fromEntries(await Promise.all(asked.map(answer)))
  return {
    ...(inputResponses !== undefined && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  }
}
