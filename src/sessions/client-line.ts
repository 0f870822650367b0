import { ClientAnswerError } from '../errors.js'
import type { AskingMethod } from '../protocol/client-types.js'
import type { JsonObject } from '../protocol/types.js'
import { ClientRequests, type SendOptions } from './client-requests.js'
import type { Roots } from './roots.js'

/** How long a person, or a model, may take to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10 * 60_000

/** How long a client's program may take to answer what it knows itself, in milliseconds. */
const ROOTS_TIMEOUT_MS = 10_000

/** The way to a client of 2024-11-05 to 2025-11-25 and back: what it is asked, and its answers. */
export class ClientLine {
  readonly requests = new ClientRequests()
  readonly roots: Roots
  readonly #push: () => SendOptions['send'] | undefined

  constructor(roots: Roots, push: () => SendOptions['send'] | undefined) {
    this.roots = roots
    this.#push = push
  }

  /** Whether there is a place for what answers no request. */
  get isOpen(): boolean {
    return this.#push() !== undefined
  }

  /**
   * Ask, on the stream given or, without one, on that for what answers no request.
   * @throws ClientAnswerError for an error, no answer in time, or nowhere to ask.
   */
  ask(
    method: AskingMethod,
    params: JsonObject,
    signal: AbortSignal | undefined,
    send: SendOptions['send'] | undefined = this.#push(),
  ): Promise<JsonObject> {
    if (send === undefined)
      return Promise.reject(new ClientAnswerError(`There is no stream on which to send ${method}`))
    const timeoutMs = method === 'roots/list' ? ROOTS_TIMEOUT_MS : ANSWER_TIMEOUT_MS
    return this.requests.request(method, withElicitationId(params), { send, timeoutMs, signal })
  }

  /** See whether the client is still there: resolves when it answers. */
  async ping(timeoutMs: number): Promise<void> {
    const send = this.#push()
    if (send === undefined) throw new ClientAnswerError('There is no stream on which to send ping')
    await this.requests.request('ping', undefined, { send, timeoutMs })
  }
}

/** Up to 2025-11-25 an elicitation by URL has an id (client/elicitation, URL mode): that of the server which asks, if it has one. */
function withElicitationId(params: JsonObject): JsonObject {
  return params['mode'] === 'url' ? { elicitationId: crypto.randomUUID(), ...params } : params
}
