import { connect } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** One keep-alive connection that asks, and reads answers whole, in either framing. */
export class Connection {
  #port
  #socket
  #received
  #onAnswer

  constructor(port) {
    this.#port = port
  }

  /** Servers close connections that were idle for a while; the next request opens another. */
  #open() {
    const socket = connect(this.#port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#read()
    })
    socket.on('error', (error) => this.#onAnswer?.({ error }))
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined
      this.#onAnswer?.({ error: new Error('The connection was closed') })
    })
    this.#received = Buffer.alloc(0)
    return socket
  }

  ask(headers, body, method = 'POST') {
    const head = `${method} /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    return new Promise((resolve, reject) => {
      this.#onAnswer = (answer) => (answer.error ? reject(answer.error) : resolve(answer))
      this.#socket ??= this.#open()
      this.#socket.write(head + body)
    })
  }

  close() {
    this.#socket?.destroy()
  }

  #read() {
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const start = headEnd + 4
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const status = Number(head.slice(9, 12))
    let end
    if (length !== undefined) end = start + Number(length)
    else if (status === 204) end = start
    else {
      const last = this.#received.indexOf(LAST_CHUNK, start)
      if (last < 0) return
      end = last + LAST_CHUNK.length
    }
    if (this.#received.length < end) return
    const body = this.#received.subarray(start, end)
    this.#received = this.#received.subarray(end)
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    onAnswer({ status, head, body })
  }
}

const CLIENT = { name: 'load', version: '1.0.0' }

/** How the requests of an era look. */
export async function speak(era, connection) {
  if (era === '2026-07-28') {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': era,
      'io.modelcontextprotocol/clientInfo': CLIENT,
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    return (method, params) => ({
      headers: `MCP-Protocol-Version: ${era}\r\nMcp-Method: ${method}\r\n${params.name ? `Mcp-Name: ${params.name}\r\n` : ''}`,
      body: (id) =>
        JSON.stringify({
          jsonrpc: '2.0',
          id,
          method,
          params: { ...params, _meta: { ...params._meta, ..._meta } },
        }),
    })
  }
  if (era === 'none')
    return (method, params) => ({
      headers: '',
      body: (id) => JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    })
  const initialize = { protocolVersion: era, capabilities: {}, clientInfo: CLIENT }
  const { head } = await connection.ask(
    '',
    JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize }),
  )
  const session = /\r\nmcp-session-id: ([^\r]+)/i.exec(head)?.[1]
  const headers = `${session ? `Mcp-Session-Id: ${session}\r\n` : ''}MCP-Protocol-Version: ${era}\r\n`
  await connection.ask(headers, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  return (method, params) => ({
    headers,
    body: (id) => JSON.stringify({ jsonrpc: '2.0', id, method, params }),
  })
}

/** Eight clients of one server, each with a connection of its own, one request in flight on each. */
export class Load {
  #clients = []
  #id = 1
  #check

  static async open({ port, era, method, params, check, connections = 8 }) {
    const load = new Load()
    load.#check = check
    for (let index = 0; index < connections; index++) {
      const connection = new Connection(port)
      const request = (await speak(era, connection))(method, params)
      load.#clients.push({ connection, request })
    }
    return load
  }

  /** Ask for some milliseconds; gives how many answers came. */
  async run(milliseconds) {
    const end = performance.now() + milliseconds
    const counts = await Promise.all(
      this.#clients.map(async ({ connection, request }) => {
        let count = 0
        while (performance.now() < end) {
          const answer = await connection.ask(request.headers, request.body(this.#id++))
          if (answer.status !== 200 || !answer.body.includes(this.#check))
            throw new Error(`${answer.status} ${answer.body.toString().slice(0, 300)}`)
          count += 1
        }
        return count
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  close() {
    for (const { connection } of this.#clients) connection.close()
  }
}
