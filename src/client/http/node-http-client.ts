import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { ConnectionError } from '../../errors.js'
import type { HttpAnswer, HttpAsked, HttpClient } from './http-client.js'
import { outcomeOf } from './outcome.js'

type Http = typeof import('node:http')
type Https = typeof import('node:https')

/** How long a connection may take to be there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 15_000

/** Sends requests through `node:http`, over connections that are used again. */
export class NodeHttpClient implements HttpClient {
  readonly #http: Http
  readonly #https: Https
  #plain: Agent | undefined
  #secure: InstanceType<Https['Agent']> | undefined

  constructor(http: Http, https: Https) {
    this.#http = http
    this.#https = https
  }

  send(url: URL, { method, headers, body, signal }: HttpAsked): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const request = this.#request(url, { method, headers: { ...headers, ...lengthOf(body) } })
      request.once('response', (response) => {
        resolve(answerOf(response, url))
      })
      const abort = (): void => {
        request.destroy(signal?.reason as Error)
      }
      request.on('error', (error) => {
        reject(signal?.aborted === true ? (signal.reason as Error) : notReached(url, request, error))
      })
      if (signal !== undefined) {
        signal.addEventListener('abort', abort)
        request.once('close', () => {
          signal.removeEventListener('abort', abort)
        })
      }
      if (!request.reusedSocket) watchConnecting(request)
      request.end(body)
    })
  }

  close(): void {
    this.#plain?.destroy()
    this.#secure?.destroy()
    this.#plain = this.#secure = undefined
  }

  #request(url: URL, options: { method: string; headers: Record<string, string> }): ClientRequest {
    if (url.protocol === 'https:') {
      this.#secure ??= new this.#https.Agent({ keepAlive: true })
      return this.#https.request(url, { ...options, agent: this.#secure })
    }
    this.#plain ??= new this.#http.Agent({ keepAlive: true })
    return this.#http.request(url, { ...options, agent: this.#plain })
  }
}

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}

/** Give up a connection that is not there in time. */
function watchConnecting(request: ClientRequest): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('Connecting took too long'), { code: 'ENETUNREACH' }))
    }, CONNECT_TIMEOUT_MS)
    const stop = (): void => {
      clearTimeout(timer)
      socket.off('connect', stop).off('close', stop)
    }
    socket.on('connect', stop).on('close', stop)
  })
}

function notReached(url: URL, request: ClientRequest, error: Error): ConnectionError {
  const outcome = request.socket?.connecting === true ? 'not begun' : outcomeOf(error)
  return outcome === 'not begun'
    ? new ConnectionError(`${url.origin} cannot be reached`, outcome, error)
    : broken(url, error)
}

function broken(url: URL, error: unknown): ConnectionError {
  return new ConnectionError(`The connection to ${url.origin} broke`, 'unknown', error)
}

function answerOf(response: IncomingMessage, url: URL): HttpAnswer {
  let failure: Error | undefined
  // It may break before anybody reads it, and must harm nobody.
  response.on('error', (error) => {
    failure = error
  })
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    read: (take) =>
      new Promise((resolve, reject) => {
        response.on('data', (chunk: Uint8Array) => {
          try {
            take(chunk)
          } catch (error) {
            reject(error)
            response.destroy()
          }
        })
        response.once('end', resolve)
        response.once('close', () => {
          reject(broken(url, failure))
        })
        if (response.destroyed) reject(broken(url, failure))
      }),
    discard: () => {
      response.resume()
    },
  }
}
