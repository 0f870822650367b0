import type { Relay } from '../components/context.js'
import type { ClientCapabilities, JsonObject } from '../protocol/types.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import type { Credentials } from '../sessions/sinks.js'
import type { NumberedCall } from './call-memory.js'
import type { ClientPeer, RequestScope } from './proxied-request.js'

/** A call to an upstream server. */
export class RemoteCall implements NumberedCall {
  readonly method: string
  readonly params: JsonObject
  readonly index: number
  /** HTTP headers that repeat arguments (2026-07-28). */
  readonly mirrored: Readonly<Record<string, string>> | undefined
  /** The extension that the method belongs to. */
  readonly extension: string | undefined

  constructor(
    method: string,
    params: JsonObject,
    index: number,
    mirrored?: RemoteCall['mirrored'],
    extension?: string,
  ) {
    this.method = method
    this.params = params
    this.index = index
    this.mirrored = mirrored
    this.extension = extension
  }
}

/** A call, and the data of the caller that it is made for. */
export class ScopedCall implements RequestScope {
  readonly relay: Relay
  readonly call: RemoteCall
  readonly headers: Readonly<Record<string, string>>
  readonly credentials: Credentials | undefined
  readonly timeoutMs: number
  readonly ownCapabilities: ClientCapabilities | undefined
  signal: CancelSignal
  /** Gets the messages of the server, in place of the relay. */
  peer: ClientPeer | undefined

  constructor(
    relay: Relay,
    call: RemoteCall,
    headers: ScopedCall['headers'],
    credentials: ScopedCall['credentials'],
    timeoutMs: number,
    ownCapabilities: ScopedCall['ownCapabilities'],
  ) {
    this.relay = relay
    this.call = call
    this.headers = headers
    this.credentials = credentials
    this.timeoutMs = timeoutMs
    this.ownCapabilities = ownCapabilities
    this.signal = relay.signal
  }
}
