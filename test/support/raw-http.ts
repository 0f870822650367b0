import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  /** The body as JSON, or the last event's data. */
  readonly json: unknown
}

type Message = object

const CLIENT = { name: 'raw', version: '1.0.0' }

/** A connection that sends exactly what it is told, and reads answers whole. */
export class Raw {
  readonly #socket: Socket
  readonly #path: string
  readonly #authority: string
  readonly firstByte: Promise<void>
  #received = ''
  #waiting: ((answer: RawAnswer) => void)[] = []

  static async connect(url: string): Promise<Raw> {
    const { hostname, port, pathname, search, host } = new URL(url)
    const socket = connect(Number(port), hostname)
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new Raw(socket, pathname + search, host)
  }

  private constructor(socket: Socket, path: string, authority: string) {
    this.#socket = socket
    this.#path = path
    this.#authority = authority
    this.firstByte = new Promise((resolve) => socket.once('data', () => resolve()))
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#read()
    })
    socket.on('error', () => {})
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What has come and is no whole answer yet. */
  get received(): string {
    return this.#received
  }

  get hasPartial(): boolean {
    return this.#received.includes('\r\n\r\n')
  }

  /** Resolves when the other side has closed. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve()
      this.#socket.once('close', () => resolve())
    })
  }

  /** Send text as it is. */
  write(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** The next answer that comes. */
  answer(): Promise<RawAnswer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#read()
    })
  }

  post(message: unknown, headers: Record<string, string> = {}): void {
    const body = typeof message === 'string' ? message : JSON.stringify(message)
    const bytes = Buffer.from(body).toString('latin1')
    const all: Record<string, string> = {
      host: this.#authority,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': String(bytes.length),
      ...headers,
    }
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    this.write(`POST ${this.#path} HTTP/1.1\r\n${head.join('')}\r\n${bytes}`)
  }

  ask(message: unknown, headers?: Record<string, string>): Promise<RawAnswer> {
    this.post(message, headers)
    return this.answer()
  }

  /** Ask for a stream, which is read as it comes: see `received`. */
  get(headers: Record<string, string>, path = this.#path): void {
    const all = { host: this.#authority, accept: 'text/event-stream', ...headers }
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    this.write(`GET ${path} HTTP/1.1\r\n${head.join('')}\r\n`)
  }

  /** Ask with another method. */
  send(method: string, headers: Record<string, string> = {}, path = this.#path): Promise<RawAnswer> {
    const head = Object.entries({ host: this.#authority, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    this.write(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n`)
    return this.answer()
  }

  /** Open a 2025 session; gives the headers of every further request. */
  async initialize(version: string, capabilities: object = {}): Promise<Record<string, string>> {
    const params = { protocolVersion: version, capabilities, clientInfo: CLIENT }
    const { headers } = await this.ask({ jsonrpc: '2.0', id: 'init', method: 'initialize', params })
    const session = { 'mcp-session-id': headers['mcp-session-id'] ?? '' }
    await this.ask({ jsonrpc: '2.0', method: 'notifications/initialized' }, session)
    return session
  }

  post2026(
    method: string,
    params: { name?: string; uri?: string; [member: string]: unknown } = {},
    meta: object = {},
    headers: Record<string, string> = {},
  ): void {
    const { headers: standard, body } = Raw.init2026(method, params, meta)
    this.post(body, { ...standard, ...headers })
  }

  ask2026(...args: Parameters<Raw['post2026']>): Promise<RawAnswer> {
    this.post2026(...args)
    return this.answer()
  }

  static init2026(
    method: string,
    params: { name?: string; uri?: string; [member: string]: unknown } = {},
    meta: object = {},
    id: unknown = 1,
  ) {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': CLIENT,
      'io.modelcontextprotocol/clientCapabilities': {},
      ...meta,
    }
    const name = params.name ?? params.uri
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(name === undefined ? {} : { 'mcp-name': name }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } } satisfies Message),
    }
  }

  #read(): void {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    const waiting = this.#waiting[0]
    if (headEnd < 0 || waiting === undefined) return
    const [statusLine = '', ...lines] = this.#received.slice(0, headEnd).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    ) as Record<string, string>
    const status = Number(statusLine.split(' ')[1])
    const found = this.#body(headEnd + 4, status, headers)
    if (found === undefined) return
    this.#received = this.#received.slice(found.end)
    this.#waiting.shift()
    const body = Buffer.from(found.body, 'latin1').toString('utf8')
    waiting({ status, headers, body, json: jsonOf(body, headers['content-type'] ?? '') })
    this.#read()
  }

  #body(
    start: number,
    status: number,
    headers: Record<string, string>,
  ): { body: string; end: number } | undefined {
    if (status === 204 || status === 304) return { body: '', end: start }
    if (headers['transfer-encoding'] === 'chunked') {
      let body = ''
      for (let at = start; ;) {
        const lineEnd = this.#received.indexOf('\r\n', at)
        if (lineEnd < 0) return undefined
        const size = parseInt(this.#received.slice(at, lineEnd), 16)
        const end = lineEnd + 2 + size + 2
        if (this.#received.length < end) return undefined
        if (size === 0) return { body, end }
        body += this.#received.slice(lineEnd + 2, end - 2)
        at = end
      }
    }
    const end = start + Number(headers['content-length'] ?? 0)
    return this.#received.length < end ? undefined : { body: this.#received.slice(start, end), end }
  }
}

function jsonOf(body: string, type: string): unknown {
  if (type.startsWith('application/json') && body !== '') return JSON.parse(body)
  const data = [...body.matchAll(/^data: ([{[].*)$/gm)].at(-1)?.[1]
  return data === undefined ? undefined : JSON.parse(data)
}
