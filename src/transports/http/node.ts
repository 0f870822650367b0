import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { nodeModule } from '../../runtime/node-modules.js'
import type { HttpEndpoint } from './endpoint.js'
import { NodeRequest, NodeResponse, type FrameworkFacts } from './node-message.js'

/** Limits on how slowly a request may come in, and how long a connection may idle, in milliseconds. */
const TIMEOUTS = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  // A client that vanished without a word is noticed by the system, and its streams end.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
}

/** How long answers on their way out are waited for when the server closes. */
const FLUSH_MS = 1000

/** A server that listens. */
export interface HttpListener {
  readonly port: number
  /** Take no new connections. */
  refuse(): void
  /** End every connection, as soon as what was written on it is out. */
  close(): Promise<void>
}

/** A certificate and its key, as PEM (HTTPS). */
export interface TlsOptions {
  readonly cert: NonNullable<SecureContextOptions['cert']>
  readonly key: NonNullable<SecureContextOptions['key']>
  /** Of those who signed the certificates that clients show. */
  readonly ca?: SecureContextOptions['ca']
}

export type OtherListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>

interface ListenOptions {
  readonly port: number
  readonly host: string
  readonly tls?: TlsOptions | undefined
  /** Answers what is not for the endpoint. */
  readonly others: () => OtherListener | undefined
}

/** Serve an endpoint on a port with Node's own HTTP server; `localhost` is both of its addresses. */
export async function listen(endpoint: HttpEndpoint, options: ListenOptions): Promise<HttpListener> {
  if (options.host !== 'localhost') return listenOn(endpoint, options)
  const first = await listenOn(endpoint, { ...options, host: '127.0.0.1' })
  const second = await listenOn(endpoint, { ...options, port: first.port, host: '::1' }).catch(
    () => undefined,
  )
  return {
    port: first.port,
    refuse() {
      first.refuse()
      second?.refuse()
    },
    async close() {
      await Promise.all([first.close(), second?.close()])
    },
  }
}

async function listenOn(
  endpoint: HttpEndpoint,
  { port, host, tls, others }: ListenOptions,
): Promise<HttpListener> {
  const server = createServer(tls, (request, response) => {
    answer(endpoint, request, response, others)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  let closed: Promise<void> | undefined
  const refuse = (): Promise<void> => (closed ??= closing(server))
  return {
    port: (server.address() as AddressInfo).port,
    refuse: () => void refuse(),
    async close() {
      const sweep = setInterval(() => {
        server.closeIdleConnections()
      }, 5)
      const force = setTimeout(() => {
        server.closeAllConnections()
      }, FLUSH_MS)
      await refuse()
      clearInterval(sweep)
      clearTimeout(force)
    },
  }
}

/** Who waits to be told that his body is wanted is told so when it is: not before he is let in. */
function createServer(tls: TlsOptions | undefined, listener: RequestListener): Server {
  const server = plainServer(tls, listener)
  server.on('checkContinue', (request: IncomingMessage & FrameworkFacts, response: ServerResponse) => {
    request.goOn = () => {
      response.writeContinue()
    }
    listener(request, response)
  })
  return server
}

function plainServer(tls: TlsOptions | undefined, listener: RequestListener): Server {
  const instead = 'use server.fetch instead'
  if (tls === undefined) return nodeModule('node:http', instead).createServer(TIMEOUTS, listener)
  const { cert, key, ca } = tls
  const secure = ca === undefined ? { cert, key } : { cert, key, ca }
  return nodeModule('node:https', instead).createServer({ ...TIMEOUTS, ...secure }, listener)
}

function answer(
  endpoint: HttpEndpoint,
  message: IncomingMessage,
  response: ServerResponse,
  others: ListenOptions['others'],
): void {
  if (hasTwoHosts(message.rawHeaders)) {
    response.writeHead(400, { connection: 'close' }).end()
    return
  }
  const request = new NodeRequest(message)
  const other = endpoint.roleAt(request.path) === undefined ? others() : undefined
  if (other !== undefined && endpoint.isHostAllowed(request)) {
    ;(message as FrameworkFacts).goOn?.()
    void other(message, response)
  } else endpoint.handle(request, new NodeResponse(response))
}

/** Node takes the first of several; what stands before it may have looked at another (RFC 9112, 3.2). */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}
