import { ErrorCode, methodNotFound, ProtocolError } from '../errors.js'
import type { ElicitResult, Root } from '../protocol/client-types.js'
import { isObject } from '../protocol/json-rpc.js'
import type { ClientCapabilities, JsonObject } from '../protocol/types.js'
import { nodeModule } from '../runtime/node-modules.js'
import type {
  ClientOptions,
  ElicitationRequest,
  QuestionContext,
  RootsOption,
  SamplingRequest,
} from './client-options.js'

/** Answers what a server asks, in whichever era it asks, with what the user of the client gave for it. */
export class Answers {
  readonly capabilities: ClientCapabilities
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
    const { roots, sampling, elicitation, capabilities } = options
    this.capabilities = {
      ...(roots !== undefined && { roots: { listChanged: true } }),
      ...(sampling !== undefined && { sampling: {} }),
      ...(elicitation !== undefined && { elicitation: { form: {}, url: {} } }),
      ...capabilities,
    }
  }

  /** @throws ProtocolError for what this client cannot be asked. */
  async answer(method: string, params: JsonObject, signal: AbortSignal): Promise<object> {
    const { roots, sampling, elicitation } = this.#options
    const context: QuestionContext = { signal }
    if (method === 'ping') return {}
    if (method === 'roots/list' && roots !== undefined) return { roots: await rootsOf(roots, context) }
    if (method === 'sampling/createMessage' && sampling !== undefined)
      return sampledOf(await sampling(params as unknown as SamplingRequest, context))
    if (method === 'elicitation/create' && elicitation !== undefined)
      return withDefaults(
        await elicitation(params as unknown as ElicitationRequest, context),
        params['requestedSchema'],
      )
    throw methodNotFound(method)
  }

  /**
   * Answer all questions of a call that was put off (2026-07-28, basic/patterns/mrtr), at once.
   * What one of them throws is thrown, and the others are called off.
   */
  async answerAll(inputRequests: unknown, signal: AbortSignal | undefined): Promise<JsonObject> {
    const failed = new AbortController()
    const either = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal])
    const answer = async ([key, asked]: [string, unknown]): Promise<[string, object]> => {
      const { method, params } = isObject(asked) ? asked : {}
      if (typeof method !== 'string')
        throw new ProtocolError(ErrorCode.InvalidRequest, 'The server asked nothing')
      return [key, await this.answer(method, isObject(params) ? params : {}, either)]
    }
    try {
      return Object.fromEntries(
        await Promise.all(Object.entries(isObject(inputRequests) ? inputRequests : {}).map(answer)),
      )
    } finally {
      failed.abort(new Error('The answer is not wanted any more'))
    }
  }
}

async function rootsOf(roots: RootsOption, context: QuestionContext): Promise<Root[]> {
  const given = typeof roots === 'function' ? await roots(context) : roots
  return given.map((root) => ({ uri: /^[a-z][a-z0-9+.-]*:\/\//i.test(root) ? root : fileUri(root) }))
}

function fileUri(path: string): string {
  return nodeModule('node:url', 'give roots as file:// URIs').pathToFileURL(path).href
}

function sampledOf(sampled: object | string): object {
  if (typeof sampled !== 'string') return sampled
  return {
    role: 'assistant',
    content: { type: 'text', text: sampled },
    model: 'unknown',
    stopReason: 'endTurn',
  }
}

/** Fields of a form that the user left alone hold what it says they hold then (client/elicitation, Requested Schema). */
function withDefaults(result: ElicitResult, schema: unknown): ElicitResult {
  const properties = isObject(schema) ? schema['properties'] : undefined
  if (result.action !== 'accept' || !isObject(properties)) return result
  const defaults = Object.entries(properties).flatMap(([name, field]) =>
    isObject(field) && 'default' in field ? [[name, field['default']] as const] : [],
  )
  return {
    ...result,
    content: { ...Object.fromEntries(defaults), ...result.content } as ElicitResult['content'],
  }
}
