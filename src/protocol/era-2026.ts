import { ErrorCode, ProtocolError, RejectedError, ResourceNotFoundError } from '../errors.js'
import { META, type CacheHint, type Era, type ServerAnswer, type ServerIdentity } from './era.js'
import { EncodedResult } from './json-rpc.js'
import { checkMirroredHeaders } from './mirrored-headers.js'
import type { Implementation, Meta } from './types.js'

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
  readonly #cache: CacheHint
  readonly #own: Stamps
  /** Those of servers behind a proxy. */
  readonly #others = new WeakMap<Implementation, Stamps>()

  constructor(server: ServerIdentity, cache: CacheHint) {
    this.#cache = cache
    this.#own = stampsOf(server.info, cache)
  }

  toolDefinition: Era['toolDefinition'] = (definition) => definition

  toolResult: Era['toolResult'] = (result) => result

  promptResult: Era['promptResult'] = (result) => result

  checkMirroredHeaders: Era['checkMirroredHeaders'] = (mirrored, args, headers) => {
    if (mirrored !== undefined && headers !== undefined) checkMirroredHeaders(mirrored, args, headers)
  }

  encodeResult(method: string, result: object | EncodedResult, answer?: ServerAnswer): string {
    const stamps = this.#stampsOf(answer?.serverInfo)
    const stamp = CACHEABLE.has(method) ? stamps.cacheable : stamps.plain
    if (result instanceof EncodedResult) return prepend(stamp, result.json)
    if ('_meta' in result && result._meta !== undefined) return merge(stamp, result)
    return prepend(stamp, JSON.stringify(result))
  }

  /** The JSON text of an answer that asks for more first (basic/patterns/mrtr). */
  encodeInputRequired(
    asked: { inputRequests?: object; requestState: string },
    info?: Implementation,
  ): string {
    const { members } = this.#stampsOf(info).plain
    return JSON.stringify({ ...members, ...asked, resultType: 'input_required' })
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

  #stampsOf(info: Implementation | undefined): Stamps {
    if (info === undefined) return this.#own
    const known = this.#others.get(info)
    if (known !== undefined) return known
    const stamps = stampsOf(info, this.#cache)
    this.#others.set(info, stamps)
    return stamps
  }
}

/** The members that every result carries, and the beginning of its text with them. */
interface Stamp {
  readonly members: { readonly _meta: Meta }
  readonly prefix: string
}

interface Stamps {
  readonly plain: Stamp
  readonly cacheable: Stamp
}

function stampsOf(info: Implementation, { ttlMs, scope }: CacheHint): Stamps {
  const members = { resultType: 'complete', _meta: { [META.serverInfo]: info } }
  return { plain: stampOf(members), cacheable: stampOf({ ...members, ttlMs, cacheScope: scope }) }
}

function stampOf(members: Stamp['members'] & Record<string, unknown>): Stamp {
  return { members, prefix: JSON.stringify(members).slice(0, -1) }
}

/** Puts the members before those of a result that is JSON text already. */
function prepend({ prefix }: Stamp, json: string): string {
  return json === '{}' ? `${prefix}}` : `${prefix},${json.slice(1)}`
}

function merge({ members }: Stamp, result: object & { _meta?: unknown }): string {
  return JSON.stringify({ ...members, ...result, _meta: { ...members._meta, ...(result._meta as Meta) } })
}
