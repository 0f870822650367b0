import type { Sessions } from '../../sessions/sessions.js'
import { claimsOwnRevision, REVISIONS_2025, REVISIONS_2026 } from '../../protocol/era.js'
import { isObject } from '../../protocol/json-rpc.js'
import type { JsonObject } from '../../protocol/types.js'
import { HttpError, type HttpHeaders } from './message.js'
import { JSON_TYPE, type Accepts } from './post-reply.js'

const VERSIONS_2025: ReadonlySet<string> = new Set(REVISIONS_2025)
const VERSIONS_2026: ReadonlySet<string> = new Set(REVISIONS_2026)

/** Whether a message is one of 2026-07-28, by its own words or those of its headers. */
export function isAlone(headers: HttpHeaders, payload: unknown): payload is JsonObject {
  if (!isObject(payload)) return false
  const { params } = payload
  if (isObject(params) && claimsOwnRevision(params)) return true
  const version = headers['mcp-protocol-version']
  return version !== undefined && VERSIONS_2026.has(version.trim())
}

export function isInitialize(payload: unknown): boolean {
  return isObject(payload) && payload['method'] === 'initialize' && payload['id'] !== undefined
}

/** A header may name another revision than `initialize` settled on, if it is one spoken here. */
export function checkVersion(headers: HttpHeaders): void {
  const version = headers['mcp-protocol-version']
  if (version !== undefined && !VERSIONS_2025.has(version.trim()))
    throw new HttpError(
      400,
      `Protocol version ${JSON.stringify(version)} is not one of ${REVISIONS_2025.join(', ')}`,
    )
}

export function refuseInEra2026(headers: HttpHeaders): void {
  const version = headers['mcp-protocol-version']
  if (version !== undefined && VERSIONS_2026.has(version.trim()))
    throw new HttpError(405, `In ${version.trim()} this endpoint takes POST only`, { allow: 'POST' })
}

export function checkContentType(headers: HttpHeaders): void {
  const given = headers['content-type']
  const type = given === JSON_TYPE ? given : given?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== JSON_TYPE) throw new HttpError(415, `Content-Type must be ${JSON_TYPE}`)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new HttpError(415, `Content-Encoding ${JSON.stringify(encoding)} is not read here`)
}

const ANY: Accepts = { json: true, stream: true }

export function readAccept(accept: string | undefined): Accepts {
  if (accept === undefined || accept === '*/*' || accept === 'application/json, text/event-stream') return ANY
  const types = accept
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range))
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase())
  const json = types.some((type) => type === 'application/json' || type === 'application/*' || type === '*/*')
  const stream = types.some((type) => type === 'text/event-stream' || type === 'text/*' || type === '*/*')
  if (!json && !stream) throw new HttpError(406, 'Accept must name application/json or text/event-stream')
  return { json, stream }
}

/** The revision that a client up to 2025-11-25 says it speaks; without a word, the one that had no header yet. */
export function versionOf(headers: HttpHeaders): string {
  return headers['mcp-protocol-version']?.trim() ?? '2025-03-26'
}

/** @throws HttpError 503 while there is no room for another session. */
export function refuseIfFull(sessions: Sessions, owner: string | undefined): void {
  if (sessions.isFull(owner)) throw new HttpError(503, 'There are too many sessions', { 'retry-after': '60' })
}
