import {
  ConnectionError,
  HttpStatusError,
  ProtocolError,
  RequestTimeoutError,
  UnauthorizedError,
} from '../errors.js'
import { CLIENT_DIALECTS, type Agreement, type Introduction } from '../protocol/client-dialects.js'
import type { EraName } from '../protocol/era.js'
import type { Peer } from './peer.js'

/** How long a server may take to answer in one era before it is asked in another, in milliseconds. */
const PROBE_TIMEOUT_MS = 10_000

/** Newest first. */
export const ANY_ERA: readonly EraName[] = ['2026-07-28', '2025-11-25']

/** Opens a connection in the first of the eras that the server speaks (basic/lifecycle; 2026-07-28, basic/versioning). */
export async function negotiate(
  peer: Peer,
  eras: readonly EraName[],
  introduction: Introduction,
  timeoutMs: number,
): Promise<Agreement> {
  let failure: unknown = new ConnectionError(`The server does not speak ${eras.join(' or ')}`, 'not begun')
  for (const [at, era] of eras.entries()) {
    const isLast = at === eras.length - 1
    const patienceMs = isLast ? timeoutMs : Math.min(timeoutMs, PROBE_TIMEOUT_MS)
    try {
      const agreement = await CLIENT_DIALECTS[era].open(peer.handshake(patienceMs), introduction)
      if (agreement !== undefined) return agreement
    } catch (error) {
      failure = error
      if (!maySpeakOtherwise(error)) throw error
    }
  }
  throw failure
}

/** Only an answer that is none makes it worth asking in the words of another era. */
function maySpeakOtherwise(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return false
  if (error instanceof ProtocolError) return true
  if (error instanceof HttpStatusError) return error.status < 500
  return error instanceof RequestTimeoutError
}
