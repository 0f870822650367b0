import type { JsonRpcMessage } from '../protocol/json-rpc.js'

/**
 * A connection that carries messages both ways, shaped as the official SDK's `Transport`,
 * v1 and v2: what implements one can be served by `server.connect`.
 */
export interface Transport {
  start(): Promise<void>
  send(message: JsonRpcMessage): Promise<void>
  close(): Promise<void>
  onmessage?: ((message: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
}
