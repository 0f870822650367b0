import type { Caller, Context } from '../components/context.js'
import type { Implementation, JsonObject, ServerCapabilities } from '../protocol/types.js'
import type { Eventually } from './provider.js'

/** The information that a server behind a proxy gives of itself. */
export interface ServerIntroduction {
  readonly info: Implementation | undefined
  readonly instructions: string | undefined
  readonly extensions: ServerCapabilities['extensions']
}

/** The server behind a proxy of one server, as the proxy introduces it and passes requests of its extensions on to it. */
export interface ProxiedServer {
  /** Returns the server's information for a caller, when it is connected; `undefined` where it is not available. */
  introduction(caller: Caller): Eventually<ServerIntroduction | undefined>
  /** Returns the last known information for a caller. */
  known(caller: Caller): ServerIntroduction | undefined
  /** Passes on a request for a component that no list shows; `undefined` for one that has come through here already. */
  passOn(method: string, params: JsonObject, context: Context): Promise<JsonObject> | undefined
  /** Passes on a request of an extension. @throws ProtocolError -32601 where it is none of an extension that both sides have. */
  forward(method: string, params: JsonObject, context: Context): Promise<JsonObject>
}
