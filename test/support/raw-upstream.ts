/** A server that answers each HTTP request with bytes of a test's choice, in the pieces that it is given. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { onCleanup } from './clients.js'

export interface RawRequest {
  readonly head: string
  readonly body: string
  readonly socket: Socket
}

/** Gives the pieces of an answer, each sent in a turn of its own; `end` ends the connection, `reset` breaks it. */
export type RawScript = (request: RawRequest) => readonly (string | Buffer)[]

export class RawUpstream {
  readonly sockets = new Set<Socket>()
  /** How many connections there were. */
  connections = 0
  script: RawScript
  /** Told of each head, with what takes no more of that connection. */
  onHead: (head: string, stop: (answer: string) => void) => void = () => {}
  readonly #server: Server

  static async start(script: RawScript): Promise<RawUpstream> {
    const upstream = new RawUpstream(script)
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    onCleanup(() => upstream.stop())
    return upstream
  }

  private constructor(script: RawScript) {
    this.script = script
    this.#server = createServer((socket) => this.#take(socket))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(socket: Socket): void {
    this.connections += 1
    this.sockets.add(socket)
    socket.setNoDelay(true).on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
    let received = Buffer.alloc(0)
    const stop = (answer: string): void => {
      socket.removeAllListeners('data').pause()
      socket.write(answer)
    }
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.toString('latin1', 0, end)
      this.onHead(head, stop)
      const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0)
      if (received.length < end + 4 + length) return
      const body = received.toString('utf8', end + 4, end + 4 + length)
      received = received.subarray(end + 4 + length)
      void send(socket, this.script({ head, body, socket }))
    })
  }
}

async function send(socket: Socket, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    if (piece === 'end') socket.end()
    else if (piece === 'reset') socket.resetAndDestroy()
    else await new Promise((resolve) => socket.write(piece, () => setImmediate(resolve)))
  }
}

/** What a server of 2025-11-25 answers to a request: JSON, or nothing to what is no request. */
export function mcpAnswer({ body }: RawRequest): string {
  const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string }
  if (id === undefined) return ''
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'raw', version: '1' },
    },
    'tools/call': { content: [{ type: 'text', text: 'grüße' }] },
  }
  return JSON.stringify({ jsonrpc: '2.0', id, result: results[method ?? ''] ?? {} })
}

/** A response with a length. */
export function plain(body: string, extra = ''): string {
  const type = body === '' ? '' : 'content-type: application/json\r\n'
  const status = body === '' ? '202 Accepted' : '200 OK'
  return `HTTP/1.1 ${status}\r\n${type}${extra}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
