/** A server on a real socket that does what a test tells it to, well or badly. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onCleanup } from './clients.js'

export interface Asked {
  readonly method: string
  readonly id?: number
  readonly params: { readonly name?: string; readonly arguments?: Record<string, unknown> } & Record<
    string,
    unknown
  >
  readonly headers: IncomingMessage['headers']
}

/** Answers one request: with a result, or by doing with the response what it likes. */
export type Script = (
  asked: Asked,
  response: ServerResponse,
) => object | undefined | Promise<object | undefined>

const TOOLS = [{ name: 'it', inputSchema: { type: 'object' } }]

export class ScriptedUpstream {
  readonly server: Server
  /** What was asked, in order. */
  readonly asked: Asked[] = []
  script: Script = () => undefined
  /** Answers what asks for the stream of a session; `false` leaves that to us. */
  stream: (response: ServerResponse) => boolean = () => false
  /** Told of answers to what it asked. */
  onAnswer: (answer: { readonly id: unknown; readonly error?: unknown }) => void = () => undefined
  /** Sessions that it knows. */
  readonly sessions = new Set<string>()
  #count = 0

  static async start(script: Script = () => undefined, port = 0): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream()
    upstream.script = script
    await new Promise<void>((resolve) => upstream.server.listen(port, '127.0.0.1', resolve))
    onCleanup(() => upstream.stop())
    return upstream
  }

  private constructor() {
    this.server = createServer((request, response) => void this.#take(request, response))
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  /** How often a method was asked for. */
  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (request.method === 'GET') {
      if (this.stream(response)) return
      const isKnown = this.sessions.has(String(request.headers['mcp-session-id']))
      if (isKnown) response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      else response.writeHead(404).end()
      return
    }
    if (request.method !== 'POST') {
      response.writeHead(204).end()
      return
    }
    const { method, id, params = {} } = JSON.parse(body) as Partial<Asked> & Pick<Asked, 'method'>
    const asked = { method, params, headers: request.headers, ...(id !== undefined && { id }) }
    const session = request.headers['mcp-session-id']
    if (session !== undefined && !this.sessions.has(String(session))) {
      response.writeHead(404).end()
      return
    }
    if (method === undefined) {
      this.onAnswer(JSON.parse(body) as { id: unknown })
      response.writeHead(202).end()
      return
    }
    this.asked.push(asked)
    const result =
      (await this.script(asked, response)) ??
      (response.writableEnded || response.destroyed ? undefined : this.#usual(asked, response))
    if (response.headersSent || response.destroyed) return
    if (id === undefined) response.writeHead(202).end()
    else if (result !== undefined)
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }

  /** What it says where the script says nothing: it speaks 2025-11-25. */
  #usual({ method }: Asked, response: ServerResponse): object | undefined {
    if (method === 'initialize') {
      const session = `session-${(this.#count += 1)}`
      this.sessions.add(session)
      response.setHeader('mcp-session-id', session)
      const capabilities = { tools: { listChanged: true } }
      return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'scripted', version: '1' } }
    }
    if (method === 'tools/list') return { tools: TOOLS }
    if (method === 'server/discover') {
      response.writeHead(400).end()
      return undefined
    }
    return method === 'tools/call' ? { content: [{ type: 'text', text: 'it' }] } : {}
  }
}

/** Makes a script never answer calls. */
export const hangs: Script = ({ method }) =>
  method === 'tools/call' ? new Promise(() => undefined) : undefined

/** Makes a script speak 2026-07-28 besides. */
export function speaking2026(script: Script = () => undefined): Script {
  return (asked, response) => {
    if (asked.method === 'server/discover')
      return {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: { listChanged: true } },
      }
    return script(asked, response)
  }
}
