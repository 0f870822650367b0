import { ClientAnswerError } from '../errors.js'
import { encodeNotification, encodeRequest, isObject, type JsonRpcResponse } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import { LONGEST_TIMER_MS } from '../runtime/timers.js'

interface Pending {
  readonly resolve: (result: JsonObject) => void
  readonly reject: (error: Error) => void
}

/** Where a request to the client goes, and how long its answer is waited for. */
export interface SendOptions {
  readonly send: (message: string) => void | Promise<void>
  readonly timeoutMs: number
  /** Calls it off: the client is told, and its answer not waited for any more. */
  readonly signal?: AbortSignal | undefined
}

/** The requests that one client of 2024-11-05 to 2025-11-25 has been sent and has not answered yet. */
export class ClientRequests {
  readonly #pending = new Map<unknown, Pending>()
  #lastId = 0

  /**
   * Send a request and wait for its result.
   * @throws ClientAnswerError for an error, or no answer in time; the reason of `signal` if called off.
   */
  async request(method: string, params: JsonObject | undefined, options: SendOptions): Promise<JsonObject> {
    const { send, timeoutMs, signal } = options
    signal?.throwIfAborted()
    const id = ++this.#lastId
    let timer: ReturnType<typeof setTimeout> | undefined
    let onAbort: (() => void) | undefined
    try {
      return await new Promise<JsonObject>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        timer = setTimeout(
          () => {
            reject(new ClientAnswerError(`The client did not answer ${method} within ${timeoutMs} ms`))
            void send(cancelled(id, 'it took too long'))
          },
          Math.min(timeoutMs, LONGEST_TIMER_MS),
        )
        onAbort = () => {
          reject(signal?.reason as Error)
          void send(cancelled(id, 'it is not needed any more'))
        }
        signal?.addEventListener('abort', onAbort)
        void send(encodeRequest(id, method, params))
      })
    } finally {
      this.#pending.delete(id)
      clearTimeout(timer)
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Take an answer. One to nothing that was asked, or not any more, is dropped. */
  settle({ id, result, error }: JsonRpcResponse): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    if (error === undefined) pending.resolve(isObject(result) ? result : {})
    else pending.reject(new ClientAnswerError(`The client refused: ${messageOf(error)}`, error.code))
  }

  /** Wait for none of them any more. */
  rejectAll(reason: string): void {
    for (const { reject } of [...this.#pending.values()]) reject(new ClientAnswerError(reason))
  }
}

/** Clients may put anything there. */
function messageOf({ message }: { message: unknown }): string {
  return typeof message === 'string' ? message : 'it did not say why'
}

function cancelled(requestId: number, reason: string): string {
  return encodeNotification('notifications/cancelled', { requestId, reason })
}
