import { ErrorCode, invalidParams, ProtocolError } from '../errors.js'
import { canonicalJson, isObject, type JsonRpcRequest } from '../protocol/json-rpc.js'
import type { JsonObject } from '../protocol/types.js'
import { bytesFromBase64Url, bytesToBase64Url } from '../runtime/base64.js'
import type { Logger } from '../runtime/logger.js'
import type { Caller } from '../components/context.js'
import type { RequestFacts } from './sinks.js'

/** How what a call has learnt from its client so far travels to the client and back (2026-07-28, basic/patterns/mrtr). */
export interface RequestStateOptions {
  /**
   * What every replica seals and opens it with, at least 32 characters. Default: the
   * environment's `FASTMESH_STATE_KEY`, else one of this process's own.
   */
  readonly key?: string | undefined
  /** How long a client may take for a round, in milliseconds. Default: one hour. */
  readonly ttlMs?: number | undefined
  /** How often one call may be answered with questions. Default: 32. */
  readonly maxRounds?: number | undefined
}

/** What a client that retries a call brings back, all of it from earlier rounds but `responses`. */
export interface Resumed {
  readonly responses: Readonly<Record<string, JsonObject>> | undefined
  readonly answers: Readonly<Record<string, JsonObject>>
  readonly once: readonly [string, unknown][]
  readonly state: unknown
  readonly round: number
}

export const FIRST_ROUND: Resumed = {
  responses: undefined,
  answers: {},
  once: [],
  state: undefined,
  round: 0,
}

const DEFAULT_REQUEST_STATE = { ttlMs: 60 * 60_000, maxRounds: 32 }
export const MIN_STATE_KEY_LENGTH = 32

/** How long a sealed state may be, in characters. */
const MAX_LENGTH = 1024 * 1024

const IV_BYTES = 12

/** What another round may say in another way. */
const CHANGES_BY_ROUND = new Set(['_meta', 'inputResponses', 'requestState'])

/** A request whose state is sealed: it can be opened for no other. */
interface Origin {
  readonly request: JsonRpcRequest
  readonly caller: Caller
  readonly facts: RequestFacts | undefined
}

/**
 * Seals what a call has to remember, so that the client that carries it can neither read nor
 * change it, nor use it for another call, another client or another server (AES-256-GCM).
 */
export class RequestStates {
  readonly maxRounds: number
  readonly #ttlMs: number
  readonly #serverName: string
  readonly #secret: string | undefined
  readonly #logger: Logger
  #key: Promise<CryptoKey> | undefined
  #hasWarned = false

  constructor(serverName: string, options: RequestStateOptions, logger: Logger) {
    this.#serverName = serverName
    this.#secret = options.key ?? keyOfEnvironment()
    this.#ttlMs = options.ttlMs ?? DEFAULT_REQUEST_STATE.ttlMs
    this.maxRounds = options.maxRounds ?? DEFAULT_REQUEST_STATE.maxRounds
    this.#logger = logger
  }

  /** @throws ProtocolError where what is to be remembered is too much to carry. */
  async seal(kept: Omit<Resumed, 'responses'>, origin: Origin): Promise<string> {
    if (origin.facts?.headers !== undefined) this.#warn()
    const { answers, once, state, round } = kept
    const steps = once.map(([key, value]) => (value === undefined ? [key] : [key, value]))
    const text = JSON.stringify([Date.now() + this.#ttlMs, answers, steps, round, state])
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: this.#boundTo(origin) },
      await this.#keyOf(),
      new TextEncoder().encode(text),
    )
    const bytes = new Uint8Array(IV_BYTES + sealed.byteLength)
    bytes.set(iv)
    bytes.set(new Uint8Array(sealed), IV_BYTES)
    const token = bytesToBase64Url(bytes)
    if (token.length > MAX_LENGTH)
      throw new ProtocolError(
        ErrorCode.InternalError,
        'The call has more to remember than a client can carry',
      )
    return token
  }

  /**
   * What a request brings back from earlier rounds.
   * @throws ProtocolError -32602 for answers that are none, or a state that is not this server's, this call's, or is too old.
   */
  async open(origin: Origin): Promise<Resumed> {
    const { inputResponses, requestState } = origin.request.params ?? {}
    const responses = readResponses(inputResponses)
    if (requestState === undefined) return { ...FIRST_ROUND, responses }
    const opened = typeof requestState === 'string' ? await this.#decrypt(requestState, origin) : undefined
    if (opened === undefined)
      throw invalidParams('"requestState" was not issued for this request, or has been changed')
    const [expires, answers, once, round, state] = JSON.parse(opened) as [
      number,
      Resumed['answers'],
      Resumed['once'],
      number,
      unknown,
    ]
    if (expires < Date.now()) throw invalidParams('"requestState" has expired: begin the call anew')
    return { responses, answers, once, round, state }
  }

  async #decrypt(token: string, origin: Origin): Promise<string | undefined> {
    const bytes = token.length > MAX_LENGTH ? undefined : bytesFromBase64Url(token)
    if (bytes === undefined || bytes.length <= IV_BYTES) return undefined
    try {
      const algorithm = {
        name: 'AES-GCM',
        iv: bytes.subarray(0, IV_BYTES),
        additionalData: this.#boundTo(origin),
      }
      const text = await crypto.subtle.decrypt(algorithm, await this.#keyOf(), bytes.subarray(IV_BYTES))
      return new TextDecoder().decode(text)
    } catch {
      return undefined
    }
  }

  #boundTo({ request: { method, params = {} }, caller }: Origin): Uint8Array<ArrayBuffer> {
    const asked = Object.entries(params).filter(([name]) => !CHANGES_BY_ROUND.has(name))
    return new TextEncoder().encode(
      canonicalJson([this.#serverName, caller.principal ?? caller.info?.name, method, asked.sort()]),
    )
  }

  #keyOf(): Promise<CryptoKey> {
    return (this.#key ??= deriveKey(this.#secret ?? crypto.randomUUID() + crypto.randomUUID()))
  }

  #warn(): void {
    if (this.#hasWarned || this.#secret !== undefined) return
    this.#hasWarned = true
    this.#logger.warn(
      `${this.#serverName}: requestState is sealed with a key of this process; set requestState.key or FASTMESH_STATE_KEY so that other replicas can go on with a call`,
    )
  }
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), 'HKDF', false, [
    'deriveKey',
  ])
  const info = new TextEncoder().encode('fastmesh requestState')
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}

function keyOfEnvironment(): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const key = process?.env?.['FASTMESH_STATE_KEY']
  if (key !== undefined && key.length < MIN_STATE_KEY_LENGTH)
    throw new TypeError(`FASTMESH_STATE_KEY must have at least ${MIN_STATE_KEY_LENGTH} characters`)
  return key
}

function readResponses(responses: unknown): Resumed['responses'] {
  if (responses === undefined) return undefined
  if (!isObject(responses) || !Object.values(responses).every(isObject))
    throw invalidParams('"inputResponses" must hold a result for each key')
  return responses as Record<string, JsonObject>
}
