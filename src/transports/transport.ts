import type { EraName } from '../protocol/era.js'
import type { JsonRpcMessage, JsonRpcNotification } from '../protocol/json-rpc.js'
import type { RequestId } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'

/** What may be said of a message as it is sent, in the official SDK's words. */
export interface SendOptions {
  /** The request that the other side made, and that this message belongs to. */
  readonly relatedRequestId?: RequestId | undefined
  /** HTTP headers of this message, in place of those of the connection. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** On whose behalf this message is sent, in place of the connection's, to another server of this process. */
  readonly credentials?: Credentials | undefined
  /** Ends what the transport has open for this request alone. */
  readonly requestSignal?: AbortSignal | undefined
  /**
   * Takes the function that aborts the request, in place of `requestSignal`. A transport that gives one also sends the
   * notification that the function may get, after the request, unless the request was never sent.
   */
  readonly onAbort?:
    ((abort: (reason: unknown, notification?: JsonRpcNotification) => void) => void) | undefined
  /** Called when what the transport had open for this request alone has ended. */
  readonly onRequestStreamEnd?: ((error?: Error) => void) | undefined
}

/** What a transport may know of a message that came in. */
export interface MessageFacts {
  /** The request that we made, and that the message belongs to. */
  readonly relatedRequestId?: unknown
  /** Who sent it, as another server of this process knows. */
  readonly credentials?: Credentials | undefined
  /** The same as the official SDK has it. */
  readonly authInfo?: unknown
}

/**
 * A connection that carries messages both ways, shaped as the official SDK's `Transport`,
 * v1 and v2: what implements one can be served by `server.connect`, and be a client's way to a server.
 */
export interface Transport {
  start(): Promise<void>
  send(message: JsonRpcMessage, options?: SendOptions): Promise<void>
  close(): Promise<void>
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  /** Whether what answers no request can come in now. Default: yes. */
  readonly hears?: boolean | undefined
  /** Called when it can again, after some may have been missed. */
  onresumed?: (() => void) | undefined
  /** The eras that it was made for, where those are not all. */
  readonly eras?: readonly EraName[] | undefined
  /** Whether the server keeps a session for this connection (up to 2025-11-25). Default: yes. */
  readonly hasSession?: boolean | undefined
  /** Told which revision was agreed on. */
  setProtocolVersion?: ((version: string) => void) | undefined
  /** Whether each request has something open of its own, so that ending that calls the request off. */
  readonly hasPerRequestStream?: boolean | undefined
}
