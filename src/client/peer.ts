import { ErrorCode, ProtocolError } from '../errors.js'
import { isObject, readMessage, type JsonRpcMessage, type JsonRpcRequest } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import type { Transport } from '../transports/transport.js'

/** What is heard of the other side, besides answers. */
export interface PeerHandlers {
  /** Gives the result of a request; what it throws goes back as an error. */
  readonly onRequest: (method: string, params: JsonObject) => Promise<object>
  readonly onNotification: (method: string, params: JsonObject) => void
  /** Called when the connection has closed. */
  readonly onClose: () => void
}

interface Waiting {
  readonly resolve: (result: JsonObject) => void
  readonly reject: (error: unknown) => void
}

/** The far side of a connection that we began: requests to it and their answers, and what it asks and tells us. */
export class Peer {
  readonly #transport: Transport
  readonly #handlers: PeerHandlers
  readonly #waiting = new Map<unknown, Waiting>()
  #lastId = 0

  constructor(transport: Transport, handlers: PeerHandlers) {
    this.#transport = transport
    this.#handlers = handlers
    transport.onmessage = (message) => {
      this.#receive(message)
    }
    transport.onclose = () => {
      this.#giveUp()
      handlers.onClose()
    }
  }

  async start(): Promise<void> {
    await this.#transport.start()
  }

  /**
   * Send a request and wait for its result. When `signal` fires, the other side is told, and the answer not waited for.
   * @throws ProtocolError for an error; the reason of `signal`.
   */
  async request(method: string, params: JsonObject, signal?: AbortSignal): Promise<JsonObject> {
    signal?.throwIfAborted()
    const id = (this.#lastId += 1)
    let onAbort: (() => void) | undefined
    try {
      return await new Promise<JsonObject>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        onAbort = () => {
          reject(signal?.reason as Error)
          this.notify('notifications/cancelled', { requestId: id, reason: 'it was called off' })
        }
        signal?.addEventListener('abort', onAbort)
        this.#send({ jsonrpc: '2.0', id, method, params }).catch(reject)
      })
    } finally {
      this.#waiting.delete(id)
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Tell the other side something. What cannot be told is lost. */
  notify(method: string, params: JsonObject): void {
    this.#send({ jsonrpc: '2.0', method, params }).catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#giveUp()
    await this.#transport.close()
  }

  async #send(message: JsonRpcMessage): Promise<void> {
    await this.#transport.send(message)
  }

  #receive(message: unknown): void {
    const incoming = readMessage(message)
    if (incoming.kind === 'notification')
      this.#handlers.onNotification(incoming.message.method, incoming.message.params ?? {})
    else if (incoming.kind === 'request') void this.#answer(incoming.message)
    else if (incoming.kind === 'response') {
      const { id, result, error } = incoming.message
      const waiting = this.#waiting.get(id)
      if (error === undefined) waiting?.resolve(isObject(result) ? result : {})
      else waiting?.reject(new ProtocolError(error.code, messageOf(error), error.data))
    }
  }

  async #answer({ id, method, params = {} }: JsonRpcRequest): Promise<void> {
    let answer: object
    try {
      answer = { result: await this.#handlers.onRequest(method, params) }
    } catch (error) {
      const { code, message, data } =
        error instanceof ProtocolError
          ? error
          : { code: ErrorCode.InternalError, message: messageOf(error), data: undefined }
      answer = { error: { code, message, data } }
    }
    await this.#send({ jsonrpc: '2.0', id, ...answer }).catch(() => undefined)
  }

  #giveUp(): void {
    const error = new ProtocolError(ErrorCode.InternalError, 'The connection has closed')
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }
}

/** The other side may put anything there, and so may user code. */
function messageOf(error: unknown): string {
  const { message } = error as { message?: unknown }
  return typeof message === 'string' ? message : 'It failed, and did not say why'
}
