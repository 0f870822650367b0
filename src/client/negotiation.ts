import {
  ConnectionError,
  ErrorCode,
  HttpStatusError,
  ProtocolError,
  RequestTimeoutError,
  UnauthorizedError,
} from '../errors.js'
import { META, REVISIONS_2025, REVISIONS_2026, type EraName } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import type {
  ClientCapabilities,
  Implementation,
  JsonObject,
  LogLevel,
  Meta,
  ServerCapabilities,
} from '../protocol/types.js'
import type { Peer } from './peer.js'

/** What a client says of itself. */
export interface Introduction {
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
  /** From what level on it wants to hear of the log, where that is said with each request (2026-07-28). */
  readonly logLevel?: LogLevel | undefined
}

/** What was agreed on with a server, and what it says of itself. */
export interface Agreement {
  readonly era: EraName
  readonly protocolVersion: string
  readonly info: Implementation | undefined
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
}

/** How long a server may take to answer in one era before it is asked in another, in milliseconds. */
const PROBE_TIMEOUT_MS = 10_000

/** Newest first. */
export const ANY_ERA: readonly EraName[] = ['2026-07-28', '2025-11-25']

/** Find out which era a server speaks, of those given the first, and open the conversation in it (basic/lifecycle; 2026-07-28, basic/versioning). */
export async function negotiate(
  peer: Peer,
  eras: readonly EraName[],
  introduction: Introduction,
  timeoutMs: number,
): Promise<Agreement> {
  let failure: unknown = new ConnectionError(`The server does not speak ${eras.join(' or ')}`, 'not begun')
  for (const [at, era] of eras.entries()) {
    const isLast = at === eras.length - 1
    const patience = isLast ? timeoutMs : Math.min(timeoutMs, PROBE_TIMEOUT_MS)
    try {
      const open = era === '2025-11-25' ? initialize : discover
      const agreement = await open(peer, introduction, patience)
      if (agreement !== undefined) return agreement
    } catch (error) {
      failure = error
      if (!maySpeakOtherwise(error)) throw error
    }
  }
  throw failure
}

/** Only where there was an answer that is none is it worth asking in other words. */
function maySpeakOtherwise(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return false
  if (error instanceof ProtocolError) return true
  if (error instanceof HttpStatusError) return error.status < 500
  return error instanceof RequestTimeoutError
}

/** What each request says of who makes it, from 2026-07-28 on (basic/index, `_meta`). */
export function envelopeOf({ info, capabilities, logLevel }: Introduction): Meta {
  const envelope: Record<string, unknown> = {
    [META.protocolVersion]: REVISIONS_2026[0],
    [META.clientCapabilities]: capabilities,
  }
  if (info !== undefined) envelope[META.clientInfo] = info
  if (logLevel !== undefined) envelope[META.logLevel] = logLevel
  return envelope
}

/** `undefined` where the server speaks only what came before. */
async function discover(
  peer: Peer,
  introduction: Introduction,
  timeoutMs: number,
): Promise<Agreement | undefined> {
  const params = { _meta: envelopeOf(introduction) }
  const ask = (): Promise<JsonObject> => peer.request('server/discover', params, { timeoutMs })
  const result = await ask().catch((error: unknown) => {
    // A server that knows our revision may still refuse the first request.
    if (isRefusal(error) && supportedIn(error).includes(REVISIONS_2026[0])) return ask()
    throw error
  })
  const { supportedVersions, capabilities, instructions, _meta: meta } = result
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(REVISIONS_2026[0])) return undefined
  return {
    era: '2026-07-28',
    protocolVersion: REVISIONS_2026[0],
    info: infoIn(isObject(meta) ? meta[META.serverInfo] : undefined),
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: textIn(instructions),
  }
}

function isRefusal(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === ErrorCode.UnsupportedProtocolVersion
}

function supportedIn({ data }: ProtocolError): readonly unknown[] {
  const supported = isObject(data) ? data['supported'] : undefined
  return Array.isArray(supported) ? supported : []
}

async function initialize(peer: Peer, introduction: Introduction, timeoutMs: number): Promise<Agreement> {
  const { info = { name: 'unknown', version: '0' }, capabilities } = introduction
  const params = { protocolVersion: REVISIONS_2025[0], capabilities, clientInfo: info }
  const result = await peer.request('initialize', params, { timeoutMs })
  const { protocolVersion, serverInfo, capabilities: offered, instructions } = result
  if (!REVISIONS_2025.some((revision) => revision === protocolVersion))
    throw new ConnectionError(
      `The server wants to speak ${JSON.stringify(protocolVersion)}, which is not spoken here`,
      'not begun',
    )
  peer.agreed(protocolVersion as string)
  await peer.tell('notifications/initialized', timeoutMs)
  return {
    era: '2025-11-25',
    protocolVersion: protocolVersion as string,
    info: infoIn(serverInfo),
    capabilities: isObject(offered) ? offered : {},
    instructions: textIn(instructions),
  }
}

function infoIn(info: unknown): Implementation | undefined {
  return isObject(info) && typeof info['name'] === 'string' ? (info as unknown as Implementation) : undefined
}

function textIn(text: unknown): string | undefined {
  return typeof text === 'string' ? text : undefined
}
