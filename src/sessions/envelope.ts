import type { Caller } from '../components/context.js'
import { ErrorCode, RejectedError, unsupportedVersion } from '../errors.js'
import { META, REVISIONS, REVISIONS_2026, type ServerIdentity } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import { readLogLevel } from '../protocol/log-levels.js'
import type { Implementation, JsonObject, LogLevel } from '../protocol/types.js'

/** What a 2026-07-28 request says of its sender (basic/index, `_meta`). */
export interface Envelope {
  readonly caller: Caller
  /** Nothing is logged to a client that names no level. */
  readonly logLevel: LogLevel | undefined
}

/** @throws RejectedError -32602 for what is missing or misshapen, -32022 for a revision not spoken here. */
export function readEnvelope(params: JsonObject, connectionId?: string): Envelope {
  const meta = isObject(params['_meta']) ? params['_meta'] : {}
  const protocolVersion = meta[META.protocolVersion]
  const capabilities = meta[META.clientCapabilities]
  const info = meta[META.clientInfo]
  const level = meta[META.logLevel]
  if (typeof protocolVersion !== 'string') throw envelopeError(META.protocolVersion, 'must be a string')
  if (!REVISIONS_2026.some((revision) => revision === protocolVersion))
    throw unsupportedVersion(protocolVersion, REVISIONS_2026)
  if (!isObject(capabilities)) throw envelopeError(META.clientCapabilities, 'must be an object')
  if (info !== undefined && !(isObject(info) && typeof info['name'] === 'string'))
    throw envelopeError(META.clientInfo, 'must have a name and a version')
  return {
    caller: {
      info: info as Implementation | undefined,
      capabilities: capabilities,
      protocolVersion,
      era: '2026-07-28',
      connectionId,
    },
    logLevel: level === undefined ? undefined : readLogLevel(level),
  }
}

function envelopeError(key: string, problem: string): RejectedError {
  return new RejectedError(ErrorCode.InvalidParams, `_meta["${key}"] ${problem}`)
}

/** The answer to `server/discover` (server/discover). */
export function discover({ capabilities }: ServerIdentity, instructions: string | undefined): object {
  return { supportedVersions: REVISIONS, capabilities, instructions }
}
