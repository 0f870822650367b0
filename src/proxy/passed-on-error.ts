import type { Relay } from '../components/context.js'
import { ErrorCode, InsufficientScopeError, ResourceNotFoundError, type ProtocolError } from '../errors.js'
import type { Agreement } from '../protocol/client-dialects.js'
import { isObject } from '../protocol/json-rpc.js'
import type { UpstreamConnection } from './upstream-connection.js'

/** The error of a call whose user has to open pages first (client/elicitation, 2025-11-25). */
const URL_ELICITATION_REQUIRED = -32042

/**
 * Returns an error of an upstream server as clients in front get it: with its code, message and data. An error for an
 * unknown resource is coded as the client's era does, and names the resource as mounts rename it.
 * @param isTrusted whether the server is one of this process, so that its clients can be asked for more scopes
 */
export function passedOnError(
  error: ProtocolError,
  agreement: Agreement | undefined,
  isTrusted: boolean,
): ProtocolError {
  const { code, message } = error
  const data = isObject(error.data) ? error.data : {}
  const scopes = data['requiredScopes']
  if (isTrusted && Array.isArray(scopes))
    return new InsufficientScopeError(message, scopes as string[], message)
  const { uri } = data
  // From 2026-07-28 on the code is one that other errors have as well (server/resources, Error Handling).
  const isNotFound =
    agreement?.dialect.hasServerRequests === false
      ? code === ErrorCode.InvalidParams &&
        typeof uri === 'string' &&
        message.startsWith('Resource not found')
      : code === ErrorCode.ResourceNotFound
  return isNotFound
    ? new ResourceNotFoundError(typeof uri === 'string' ? uri : '', { message, data: error.data })
    : error
}

/** Has the session of a call notified when the user is done with the pages that an error names. */
export function expectElicitations(
  { code, data }: ProtocolError,
  connection: UpstreamConnection,
  relay: Relay,
): void {
  if (code !== URL_ELICITATION_REQUIRED || !isObject(data) || !Array.isArray(data['elicitations'])) return
  for (const elicitation of data['elicitations'] as unknown[])
    if (isObject(elicitation)) connection.expectElicitation(elicitation['elicitationId'], relay.session)
}
