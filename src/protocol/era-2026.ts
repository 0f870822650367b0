import { ErrorCode, ProtocolError, RejectedError, ResourceNotFoundError } from '../errors.js'
import { META, type CacheHint, type Era, type ServerIdentity } from './era.js'
import { EncodedResult } from './json-rpc.js'
import { checkMirroredHeaders } from './mirrored-headers.js'
import type { Meta } from './types.js'

const METHODS = new Set([
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
])

/** The answers that say how long they may be kept (server/utilities/caching). */
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** 2026-07-28: every request carries all that is needed to answer it, and every answer says who gave it. */
export class Era2026 implements Era {
  readonly name = '2026-07-28'
  readonly methods: ReadonlySet<string> = METHODS
  readonly hasOwnNotifications = false
  readonly #stamp: object
  readonly #cacheableStamp: object
  readonly #prefix: string
  readonly #cacheablePrefix: string

  constructor(server: ServerIdentity, cache: CacheHint) {
    this.#stamp = { resultType: 'complete', _meta: { [META.serverInfo]: server.info } }
    this.#cacheableStamp = { ...this.#stamp, ttlMs: cache.ttlMs, cacheScope: cache.scope }
    this.#prefix = JSON.stringify(this.#stamp).slice(0, -1)
    this.#cacheablePrefix = JSON.stringify(this.#cacheableStamp).slice(0, -1)
  }

  toolDefinition: Era['toolDefinition'] = (definition) => definition

  toolResult: Era['toolResult'] = (result) => result

  promptResult: Era['promptResult'] = (result) => result

  checkMirroredHeaders: Era['checkMirroredHeaders'] = (mirrored, args, headers) => {
    if (mirrored !== undefined && headers !== undefined) checkMirroredHeaders(mirrored, args, headers)
  }

  encodeResult(method: string, result: object | EncodedResult): string {
    const cacheable = CACHEABLE.has(method)
    if (result instanceof EncodedResult) return this.#prepend(cacheable, result.json)
    if ('_meta' in result && result._meta !== undefined) return this.#merge(cacheable, result)
    return this.#prepend(cacheable, JSON.stringify(result))
  }

  /** The JSON text of an answer that asks for more first (basic/patterns/mrtr). */
  encodeInputRequired(asked: { inputRequests?: object; requestState: string }): string {
    return JSON.stringify({ ...this.#stamp, ...asked, resultType: 'input_required' })
  }

  error(error: ProtocolError): ProtocolError {
    return error instanceof ResourceNotFoundError
      ? new ProtocolError(ErrorCode.InvalidParams, error.message, error.data)
      : error
  }

  httpStatus(error: ProtocolError): number {
    if (error.code === ErrorCode.MissingClientCapability) return 400
    if (!(error instanceof RejectedError)) return 200
    return error.code === ErrorCode.MethodNotFound ? 404 : 400
  }

  /** Put what every result carries before the members of one that is JSON text already. */
  #prepend(cacheable: boolean, json: string): string {
    const prefix = cacheable ? this.#cacheablePrefix : this.#prefix
    return json === '{}' ? `${prefix}}` : `${prefix},${json.slice(1)}`
  }

  #merge(cacheable: boolean, result: object & { _meta?: unknown }): string {
    const stamp = (cacheable ? this.#cacheableStamp : this.#stamp) as { _meta: Meta }
    return JSON.stringify({ ...stamp, ...result, _meta: { ...stamp._meta, ...(result._meta as Meta) } })
  }
}
