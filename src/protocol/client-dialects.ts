import { ConnectionError, ErrorCode, ProtocolError } from '../errors.js'
import { META, REVISIONS_2025, REVISIONS_2026, type EraName } from './era.js'
import { isObject } from './json-rpc.js'
import type {
  ClientCapabilities,
  Implementation,
  JsonObject,
  LogLevel,
  Meta,
  ServerCapabilities,
} from './types.js'

/** The client information that a connection is opened with. */
export interface Introduction {
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
  /** The least severe level of log messages, where each request names it (2026-07-28). */
  readonly logLevel?: LogLevel | undefined
}

/** The result of opening a connection: the revision, and the server's information. */
export interface Agreement {
  readonly era: EraName
  readonly dialect: ClientDialect
  readonly protocolVersion: string
  readonly info: Implementation | undefined
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
}

/** The messages that open a connection. */
export interface Handshake {
  request(method: string, params: JsonObject): Promise<JsonObject>
  /** Sends a notification and waits until it is sent. */
  notify(method: string): Promise<void>
  setProtocolVersion(version: string): void
}

/** Everything that differs between the eras for a client. */
export interface ClientDialect {
  readonly era: EraName
  /** Opens a connection. Returns `undefined` where the server speaks only the other era. */
  open(handshake: Handshake, introduction: Introduction): Promise<Agreement | undefined>
  /** The request that shows that a server is available. */
  readonly ping: string
  /** Whether the server sends requests to the client. Otherwise it answers with `input_required`. */
  readonly hasServerRequests: boolean
  /** The methods that subscribe to a resource; `undefined` where `subscriptions/listen` does. */
  readonly resourceSubscription: { readonly add: string; readonly remove: string } | undefined
  /** Returns the request that sets the log level; `undefined` where each request names it. */
  setLevel(level: LogLevel): { readonly method: string; readonly params: JsonObject } | undefined
  /** The notification of changed roots; `undefined` where there is none. */
  readonly rootsChanged: string | undefined
  /** Returns the parameters of a request with what each request has to say of its sender. */
  wrap(params: JsonObject, envelope: Meta): JsonObject
  /** Whether `notifications/cancelled` cancels a request. Otherwise the end of its own stream does. */
  sendsCancelled(hasPerRequestStream: boolean): boolean
}

/** Revisions up to 2025-11-25: `initialize` opens a session (basic/lifecycle). */
const dialect2025: ClientDialect = {
  era: '2025-11-25',
  ping: 'ping',
  hasServerRequests: true,
  resourceSubscription: { add: 'resources/subscribe', remove: 'resources/unsubscribe' },
  setLevel: (level) => ({ method: 'logging/setLevel', params: { level } }),
  rootsChanged: 'notifications/roots/list_changed',
  wrap: (params) => params,
  sendsCancelled: () => true,

  async open(handshake, { info = { name: 'unknown', version: '0' }, capabilities }) {
    const params = { protocolVersion: REVISIONS_2025[0], capabilities, clientInfo: info }
    const result = await handshake.request('initialize', params)
    const { protocolVersion, serverInfo, capabilities: offered, instructions } = result
    if (!REVISIONS_2025.some((revision) => revision === protocolVersion))
      throw new ConnectionError(
        `The server wants to speak ${JSON.stringify(protocolVersion)}, which is not spoken here`,
        'not begun',
      )
    handshake.setProtocolVersion(protocolVersion as string)
    await handshake.notify('notifications/initialized')
    return {
      era: '2025-11-25',
      dialect: dialect2025,
      protocolVersion: protocolVersion as string,
      info: readInfo(serverInfo),
      capabilities: isObject(offered) ? offered : {},
      instructions: readText(instructions),
    }
  },
}

/** Revisions from 2026-07-28 on: each request carries all that is needed to answer it (basic/versioning). */
const dialect2026: ClientDialect = {
  era: '2026-07-28',
  ping: 'server/discover',
  hasServerRequests: false,
  resourceSubscription: undefined,
  setLevel: () => undefined,
  rootsChanged: undefined,
  sendsCancelled: (hasPerRequestStream) => !hasPerRequestStream,

  wrap(params, envelope) {
    const own = params['_meta'] as Meta | undefined
    // A copy key by key is many times cheaper than a spread of objects that differ in shape.
    const all: Record<string, unknown> = {}
    for (const key in params) all[key] = params[key]
    all['_meta'] = own === undefined ? envelope : { ...own, ...envelope }
    return all
  },

  async open(handshake, introduction) {
    const params = { _meta: envelopeOf(introduction) }
    const result = await handshake.request('server/discover', params).catch((error: unknown) => {
      // A server that supports our revision may still refuse the first request.
      if (isVersionRefusal(error) && supportedIn(error).includes(REVISIONS_2026[0]))
        return handshake.request('server/discover', params)
      throw error
    })
    const { supportedVersions, capabilities, instructions, _meta: meta } = result
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(REVISIONS_2026[0])) return undefined
    return {
      era: '2026-07-28',
      dialect: dialect2026,
      protocolVersion: REVISIONS_2026[0],
      info: readInfo(isObject(meta) ? meta[META.serverInfo] : undefined),
      capabilities: isObject(capabilities) ? capabilities : {},
      instructions: readText(instructions),
    }
  },
}

/** The dialect of each era. */
export const CLIENT_DIALECTS: Readonly<Record<EraName, ClientDialect>> = {
  '2025-11-25': dialect2025,
  '2026-07-28': dialect2026,
}

/** Returns the members of `_meta` by which a request names its sender, from 2026-07-28 on (basic/index, `_meta`). */
export function envelopeOf({ info, capabilities, logLevel }: Introduction): Meta {
  const envelope: Record<string, unknown> = {
    [META.protocolVersion]: REVISIONS_2026[0],
    [META.clientCapabilities]: capabilities,
  }
  if (info !== undefined) envelope[META.clientInfo] = info
  if (logLevel !== undefined) envelope[META.logLevel] = logLevel
  return envelope
}

function isVersionRefusal(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === ErrorCode.UnsupportedProtocolVersion
}

function supportedIn({ data }: ProtocolError): readonly unknown[] {
  const supported = isObject(data) ? data['supported'] : undefined
  return Array.isArray(supported) ? supported : []
}

function readInfo(info: unknown): Implementation | undefined {
  return isObject(info) && typeof info['name'] === 'string' ? (info as unknown as Implementation) : undefined
}

function readText(text: unknown): string | undefined {
  return typeof text === 'string' ? text : undefined
}
