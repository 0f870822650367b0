import type { JsonRpcMessage } from '../protocol/json-rpc.js'
import type { Transport } from './transport.js'

/**
 * Two ends of a connection within one process. Messages cross as JSON text, as they would
 * cross a wire: neither side can see, or change, what the other holds.
 */
export function inMemoryTransports(): [client: Transport, server: Transport] {
  const client = new InMemoryTransport()
  const server = new InMemoryTransport()
  client.join(server)
  server.join(client)
  return [client, server]
}

/** One end of such a connection. */
export class InMemoryTransport implements Transport {
  onmessage?: ((message: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  #other: InMemoryTransport | undefined
  #waiting: string[] | undefined = []

  join(other: InMemoryTransport): void {
    this.#other = other
  }

  start(): Promise<void> {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const text of waiting) this.#deliver(text)
    return Promise.resolve()
  }

  send(message: JsonRpcMessage): Promise<void> {
    if (this.#other === undefined) return Promise.reject(new Error('The connection is closed'))
    this.#other.#take(JSON.stringify(message))
    return Promise.resolve()
  }

  close(): Promise<void> {
    const other = this.#other
    this.#other = undefined
    if (other === undefined) return Promise.resolve()
    this.onclose?.()
    return other.close()
  }

  #take(text: string): void {
    if (this.#waiting !== undefined) this.#waiting.push(text)
    else
      queueMicrotask(() => {
        this.#deliver(text)
      })
  }

  #deliver(text: string): void {
    this.onmessage?.(JSON.parse(text) as never)
  }
}
