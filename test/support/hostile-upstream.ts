/** An upstream of either era on raw sockets, which answers calls in whichever broken way a test wants. */
import { RawUpstream, type RawRequest, type RawScript } from './raw-upstream.js'

export const ERAS = ['2025-11-25', '2026-07-28'] as const
export type Era = (typeof ERAS)[number]

/** Every pair of the era of a client in front and of an upstream. */
export const ERA_PAIRS = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

/** A call as an upstream reads it. */
export interface Call {
  readonly id: number
  readonly tag: string
  /** The JSON-RPC response that the call should get: its own tag, as text. */
  readonly response: string
}

export type CallScript = (call: Call, request: RawRequest) => ReturnType<RawScript>

/** Starts an upstream that speaks one era and answers calls as `script` says. */
export function hostileUpstream(era: Era, script: CallScript): Promise<RawUpstream> {
  return RawUpstream.start((request) => {
    const message = messageOf(request)
    if (message?.method !== 'tools/call' || message.id === undefined) return usual(era, request)
    const { id } = message
    const tag = (message.params?.arguments?.['tag'] ?? '') as string
    return script({ id, tag, response: toolResult(id, tag) }, request)
  })
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly arguments?: Record<string, unknown>; readonly _meta?: Record<string, unknown> }
}

export function messageOf({ body }: RawRequest): Message | undefined {
  return body === '' ? undefined : (JSON.parse(body) as Message)
}

/** The text of a successful tool result. */
export function toolResult(id: unknown, text: string): string {
  const result = { resultType: 'complete', content: [{ type: 'text', text }] }
  return JSON.stringify({ jsonrpc: '2.0', id, result })
}

/** A response of JSON with a length. */
export function withLength(body: string, head = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** A response of JSON in two chunks. */
export function inChunks(body: string): string {
  const chunk = (part: string): string => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk(body.slice(0, 9))}${chunk(body.slice(9))}0\r\n\r\n`
}

/** A response that is a stream of events and ends. */
export function asEvents(...messages: string[]): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${messages.map((message) => `data: ${message}\n\n`).join('')}`
}

/** What such an upstream says besides answers to calls. */
function usual(era: Era, request: RawRequest): ReturnType<RawScript> {
  const message = messageOf(request)
  if (request.head.startsWith('GET')) return ['HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n']
  if (message?.id === undefined) return ['HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n']
  const result = results(era)[message.method ?? '']
  if (result !== undefined) return [withLength(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))]
  const error = { code: -32601, message: 'Method not found' }
  return [withLength(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))]
}

function results(era: Era): Record<string, object> {
  const tools = [{ name: 'echo', inputSchema: { type: 'object' } }]
  const common = {
    ping: {},
    'tools/list': { resultType: 'complete', tools, ttlMs: 60_000, cacheScope: 'public' },
  }
  return era === '2025-11-25'
    ? {
        ...common,
        initialize: {
          protocolVersion: era,
          capabilities: { tools: {} },
          serverInfo: { name: 'hostile', version: '1' },
        },
      }
    : {
        ...common,
        'server/discover': {
          resultType: 'complete',
          supportedVersions: [era],
          capabilities: { tools: {} },
        },
      }
}
