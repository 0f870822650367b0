import type { OnReadOpts, Socket } from 'node:net'
import { nodeModule } from '../../runtime/node-modules.js'
import type { HttpExchange } from './http-exchange.js'
import { HttpSocket } from './http-socket.js'

/** How long a connection may take to be there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 15_000

/** After how long the system asks whether the other side is still there, in milliseconds. */
const KEEP_ALIVE_MS = 60_000

/** How long a socket may have been idle to be used without a look at what has come over it since, in milliseconds. */
const FRESH_MS = 500

/** How often sockets that were idle for too long are closed, in milliseconds. */
const SWEEP_MS = 1000

/** The sockets to one server. */
export class SocketPool {
  readonly origin: string
  readonly #url: URL
  readonly #all = new Set<HttpSocket>()
  /** Those that nobody uses, the one that was used last at the end. */
  #idle: HttpSocket[] = []
  #sweeping: ReturnType<typeof setInterval> | undefined
  #tlsSession: Buffer | undefined
  #isClosed = false

  constructor(url: URL) {
    this.origin = url.origin
    this.#url = url
  }

  /** Send a request over a socket that is idle, or over a new one. */
  run(exchange: HttpExchange): void {
    if (exchange.isOver) return
    if (this.#isClosed) {
      exchange.broke(new Error('The connection has been closed'))
      return
    }
    const now = performance.now()
    const socket = this.#takeIdle(now)
    if (socket === undefined) this.#open().run(exchange)
    else if (now - socket.freeSince < FRESH_MS) socket.run(exchange)
    else this.#runAfterALook(socket, exchange)
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeping)
    for (const socket of this.#all) socket.destroy(new Error('The connection has been closed'))
  }

  /** The server may have let go of the socket: that is known when the event loop has looked at its sockets again. */
  #runAfterALook(socket: HttpSocket, exchange: HttpExchange): void {
    const run = (): void => {
      if (exchange.isOver) this.#keep(socket)
      else if (socket.isUsable) socket.run(exchange)
      else this.run(exchange)
    }
    // The first may come in the same turn, before the event loop looks.
    setImmediate(() => setImmediate(run))
  }

  /** What is still to be connected comes last. */
  #keep(socket: HttpSocket): void {
    if (socket.isReady) this.#idle.push(socket)
    else this.#idle.unshift(socket)
    this.#sweeping ??= this.#sweepNowAndThen()
  }

  #takeIdle(now: number): HttpSocket | undefined {
    for (let socket = this.#idle.pop(); socket !== undefined; socket = this.#idle.pop()) {
      if (socket.isUsable && socket.keptUntil > now) return socket
      socket.destroy()
    }
    return undefined
  }

  #open(): HttpSocket {
    const isTls = this.#url.protocol === 'https:'
    const ready = isTls ? 'secureConnect' : 'connect'
    const connect = (onread: OnReadOpts): Socket =>
      inTime(isTls ? this.#connectTls(onread) : this.#connect(onread), ready)
    const opened = new HttpSocket(connect, ready, {
      onFree: () => {
        this.#keep(opened)
      },
      onGone: () => this.#all.delete(opened),
    })
    this.#all.add(opened)
    return opened
  }

  #connect(onread: OnReadOpts): Socket {
    return nodeModule('node:net', 'give `fetch`').connect({ ...this.#address, onread })
  }

  #connectTls(onread: OnReadOpts): Socket {
    const { isIP } = nodeModule('node:net', 'give `fetch`')
    const { host } = this.#address
    const options = {
      ...this.#address,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(this.#tlsSession !== undefined && { session: this.#tlsSession }),
      onread,
    }
    const socket = nodeModule('node:tls', 'give `fetch`').connect(options)
    return socket.on('session', (session: Buffer) => {
      this.#tlsSession = session
    })
  }

  get #address(): { host: string; port: number } {
    const { protocol, hostname, port } = this.#url
    const standard = protocol === 'https:' ? 443 : 80
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? standard : Number(port) }
  }

  #sweepNowAndThen(): ReturnType<typeof setInterval> {
    const sweeping = setInterval(() => {
      const now = performance.now()
      this.#idle = this.#idle.filter((socket) => {
        const isKept = socket.isUsable && socket.keptUntil > now
        if (!isKept) socket.destroy()
        return isKept
      })
      if (this.#idle.length > 0) return
      clearInterval(sweeping)
      this.#sweeping = undefined
    }, SWEEP_MS)
    sweeping.unref()
    return sweeping
  }
}

/** A socket that is connected in time, or not at all. */
function inTime(socket: Socket, ready: string): Socket {
  const timer = setTimeout(() => {
    socket.destroy(new Error(`It took longer than ${CONNECT_TIMEOUT_MS} ms`))
  }, CONNECT_TIMEOUT_MS)
  timer.unref()
  const stop = (): void => {
    clearTimeout(timer)
  }
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS).once(ready, stop).once('close', stop)
}
