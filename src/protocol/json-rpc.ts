import { ErrorCode, ProtocolError } from '../errors.js'
import type { JsonObject, RequestId } from './types.js'

export interface JsonRpcRequest {
  jsonrpc: '2.0'
  id: RequestId
  method: string
  params?: JsonObject
}

export interface JsonRpcNotification {
  jsonrpc: '2.0'
  method: string
  params?: JsonObject
}

export interface JsonRpcResponse {
  jsonrpc: '2.0'
  id?: RequestId
  result?: JsonObject
  error?: { code: number; message: string; data?: unknown }
}

export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse

/** One message as it came in, told apart by kind (JSON-RPC 2.0, and MCP's narrower rules for ids). */
export type Incoming =
  | { kind: 'request'; message: JsonRpcRequest }
  | { kind: 'notification'; message: JsonRpcNotification }
  | { kind: 'response'; message: JsonRpcResponse }
  | { kind: 'invalid'; problem: string; id: RequestId | undefined }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

/** Tell what a parsed JSON value is, looking at no more of it than that takes. */
export function readMessage(value: unknown): Incoming {
  if (!isObject(value)) return invalid('a message must be a JSON object')
  const { id, method, params } = value
  const knownId = isRequestId(id) ? id : undefined
  if (value['jsonrpc'] !== '2.0') return invalid('"jsonrpc" must be "2.0"', knownId)
  if (method === undefined) return readResponse(value, knownId)
  if (typeof method !== 'string') return invalid('"method" must be a string', knownId)
  if (params !== undefined && !isObject(params)) return invalid('"params" must be an object', knownId)
  const meta = params?.['_meta']
  if (meta !== undefined && !isObject(meta)) return invalid('"params._meta" must be an object', knownId)
  if (id === undefined) return { kind: 'notification', message: value as never }
  if (knownId === undefined) return invalid('"id" must be a string or an integer')
  return { kind: 'request', message: value as never }
}

function readResponse(value: JsonObject, id: RequestId | undefined): Incoming {
  const { result, error } = value
  if (id === undefined || (result === undefined) === (error === undefined))
    return invalid('neither a request, nor a notification, nor a response', id)
  if (error !== undefined && !(isObject(error) && typeof error['code'] === 'number'))
    return invalid('"error" must be an object with a numeric code', id)
  return { kind: 'response', message: value as never }
}

function invalid(problem: string, id?: RequestId): Incoming {
  return { kind: 'invalid', problem, id }
}

/** A result that is JSON text already, so that a list is encoded once and sent many times. */
export class EncodedResult {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

/** The text of a response that carries a result, itself JSON text. */
export function encodeResponse(id: RequestId, result: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
}

/** The text of a response that carries an error; without an id where the request's could not be read. */
export function encodeError(id: RequestId | undefined, error: ProtocolError): string {
  const { code, message, data } = error
  const body = jsonOf({ code, message, data }) ?? JSON.stringify({ code, message })
  return id === undefined
    ? `{"jsonrpc":"2.0","error":${body}}`
    : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${body}}`
}

/** Handlers may give an error data that JSON cannot hold: then it goes out without. */
function jsonOf(value: object): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** The text of a request to the client. */
export function encodeRequest(id: RequestId, method: string, params?: object): string {
  return JSON.stringify(
    params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params },
  )
}

/** The text of a notification. */
export function encodeNotification(method: string, params?: object): string {
  return JSON.stringify(
    params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params },
  )
}

/**
 * JSON with the members of every object in one order, so that equal values give equal texts,
 * and only they.
 * @throws ProtocolError for numbers beyond all bounds, which JSON can be written with, but not tell apart.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'number' && !Number.isFinite(member))
      throw new ProtocolError(ErrorCode.InvalidParams, 'A number is too large')
    return isObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member
  })
}

/** How deeply arrays and objects may be nested in a message. */
const MAX_JSON_DEPTH = 200

/** Parse a message as it came over a wire, refusing what is no JSON or nested without end. */
export function parseJson(text: string): unknown {
  if (mayBeDeeperThan(MAX_JSON_DEPTH, text) && isDeeperThan(MAX_JSON_DEPTH, text))
    throw new ProtocolError(ErrorCode.InvalidRequest, `JSON nested deeper than ${MAX_JSON_DEPTH} levels`)
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'Parse error: the message is not valid JSON')
  }
}

/** Most messages open fewer brackets in all than may be open at once, which is found out sooner. */
function mayBeDeeperThan(limit: number, text: string): boolean {
  if (text.length <= 2 * limit) return false
  let opened = 0
  for (const bracket of '{[')
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1))
      if (++opened > limit) return true
  return false
}

function isDeeperThan(limit: number, text: string): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === BACKSLASH) at++
      else if (char === QUOTE) inString = false
    } else if (char === QUOTE) inString = true
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > limit) return true
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--
  }
  return false
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d,
]
