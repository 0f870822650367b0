/** A scripted upstream over HTTP: streamable HTTP of either era, or HTTP+SSE of old. */
/* global AbortController */
import { createServer } from 'node:http'
import { Conversation, World } from './brain.mjs'

const JSON_TYPE = { 'content-type': 'application/json' }
const EVENTS = { 'content-type': 'text/event-stream' }

/** Starts one. `kind`: an era, or `sse`. */
export async function startHttpUpstream(kind, observer) {
  const upstream = new HttpUpstream(kind, observer)
  await new Promise((resolve) => upstream.server.listen(0, '127.0.0.1', resolve))
  return upstream
}

class HttpUpstream {
  #kind
  #observer
  #conversations = new Map()
  /** Answers over HTTP may take the ids of any connection; over SSE those of their own. */
  #world
  #count = 0

  constructor(kind, observer) {
    this.#kind = kind
    this.#observer = observer
    this.#world = kind === 'sse' ? undefined : new World()
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      for (const stream of [request, response]) stream.on('error', () => undefined)
      void this.#take(request, response).catch(() => response.destroy())
    })
    // A client may break any connection.
    this.server.on('connection', (socket) => socket.on('error', () => undefined))
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}/${this.#kind === 'sse' ? 'sse' : 'mcp'}`
  }

  async stop() {
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }

  async #take(request, response) {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.method === 'GET') return this.#listen(request, response)
    const id = this.#idOf(request)
    if (request.method === 'DELETE') {
      this.#conversations.delete(id)
      return response.writeHead(204).end()
    }
    const message = JSON.parse(body)
    const conversation = this.#conversationFor(id, message, response)
    if (conversation === undefined) return response.writeHead(404).end()
    const { 'x-tag': header } = request.headers
    const isRequest = message.method !== undefined && message.id !== undefined
    if (!isRequest || this.#kind === 'sse') response.writeHead(202).end()
    conversation.receive(message, isRequest ? this.#channel(conversation, response, header) : { header })
  }

  #idOf({ headers, url }) {
    if (this.#kind === 'sse') return new URL(url, 'http://localhost').searchParams.get('session')
    return this.#kind === '2026-07-28' ? 'all' : headers['mcp-session-id']
  }

  /** That of the session, which `initialize` opens; of 2026-07-28 the only one. */
  #conversationFor(id, { method }, response) {
    const known = this.#conversations.get(id)
    if (known !== undefined || this.#kind === 'sse') return known
    if (this.#kind === '2026-07-28') return this.#open(id, () => undefined)
    if (method === 'server/discover') return this.#converse(() => undefined)
    if (method !== 'initialize') return undefined
    const session = `session-${(this.#count += 1)}`
    response.setHeader('mcp-session-id', session)
    return this.#open(session, (message) => this.#conversations.get(session)?.stream?.write(event(message)))
  }

  #open(id, tell) {
    const conversation = this.#converse(tell)
    this.#conversations.set(id, conversation)
    return conversation
  }

  #converse(tell) {
    const isForAll = this.#kind === '2026-07-28'
    const era = isForAll ? this.#kind : '2025-11-25'
    return new Conversation({ era, tell, observer: this.#observer, world: this.#world, isForAll })
  }

  /** The stream of a session; with `sse` it opens the session. */
  #listen(request, response) {
    if (this.#kind === 'sse') {
      const session = `session-${(this.#count += 1)}`
      this.#open(session, (message) => response.write(event(message)))
      response.on('close', () => this.#conversations.delete(session))
      response.writeHead(200, EVENTS).write(`event: endpoint\ndata: /message?session=${session}\n\n`)
      return
    }
    const conversation = this.#conversations.get(request.headers['mcp-session-id'])
    if (conversation === undefined) response.writeHead(405).end()
    else {
      conversation.stream = response
      response.writeHead(200, EVENTS).flushHeaders()
    }
  }

  #channel(conversation, response, header) {
    if (this.#kind === 'sse')
      return { header, say: conversation.tell, json: conversation.tell, end: () => undefined }
    const { socket } = response
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    return {
      isHttp: true,
      header,
      gone: gone.signal,
      say: (message) => {
        if (response.writableEnded) return
        if (!response.headersSent) response.writeHead(200, EVENTS)
        response.write(event(message))
      },
      /** `behind`: another response in the same packet. */
      json: (message, behind) => {
        if (response.headersSent) {
          response.end(event(message))
          return
        }
        const text = JSON.stringify(message)
        socket.cork()
        response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) }).end(text)
        if (behind !== undefined) socket.write(httpText(behind))
        socket.uncork()
      },
      stray: (message) => {
        if (socket.writable) socket.write(httpText(message))
      },
      end: () => response.end(),
    }
  }
}

function event(message) {
  return `data: ${JSON.stringify(message)}\n\n`
}

function httpText(message) {
  const text = JSON.stringify(message)
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}
