import type { JsonRpcMessage } from '../protocol/json-rpc.js'
import type { Credentials } from '../sessions/sinks.js'
import type { MessageFacts, SendOptions, Transport } from './transport.js'

/**
 * Two ends of a connection within one process. Messages cross as JSON text, as they would
 * cross a wire: neither side can see, or change, what the other holds.
 */
export function inMemoryTransports(): [client: InMemoryTransport, server: InMemoryTransport] {
  const client = new InMemoryTransport()
  const server = new InMemoryTransport()
  client.join(server)
  server.join(client)
  return [client, server]
}

/** One end of such a connection. */
export class InMemoryTransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  /** Says who sends what is sent from now on, where another server speaks on behalf of its clients. */
  credentials: (() => Credentials | undefined) | undefined
  /** Whether a proxy sends messages of several callers over it. */
  isShared = false
  #other: InMemoryTransport | undefined
  #waiting: { text: string; facts: MessageFacts | undefined }[] | undefined = []

  join(other: InMemoryTransport): void {
    this.#other = other
  }

  start(): Promise<void> {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const { text, facts } of waiting) this.#deliver(text, facts)
    return Promise.resolve()
  }

  send(message: JsonRpcMessage, options?: SendOptions): Promise<void> {
    return this.sendText(JSON.stringify(message), options?.relatedRequestId, options?.credentials)
  }

  /** Send what is JSON already; `relatedRequestId` is the other side's request that it belongs to. */
  sendText(text: string, relatedRequestId: unknown, credentials = this.credentials?.()): Promise<void> {
    if (this.#other === undefined) return Promise.reject(new Error('The connection is closed'))
    const isPlain = relatedRequestId === undefined && credentials === undefined
    this.#other.#take(text, isPlain ? undefined : { relatedRequestId, credentials })
    return Promise.resolve()
  }

  close(): Promise<void> {
    const other = this.#other
    this.#other = undefined
    if (other === undefined) return Promise.resolve()
    this.onclose?.()
    return other.close()
  }

  #take(text: string, facts: MessageFacts | undefined): void {
    if (this.#waiting !== undefined) this.#waiting.push({ text, facts })
    else
      queueMicrotask(() => {
        this.#deliver(text, facts)
      })
  }

  #deliver(text: string, facts: MessageFacts | undefined): void {
    this.onmessage?.(JSON.parse(text) as never, facts as never)
  }
}
