import type { HttpAnswer, HttpAsked, HttpClient } from './http-client.js'
import { HttpExchange } from './http-exchange.js'
import { RequestWriter, type RequestTarget } from './request-bytes.js'
import { SocketPool } from './socket-pool.js'

/** Where a URL leads, worked out once. */
interface Place extends RequestTarget {
  readonly pool: SocketPool
}

/** Sends requests over Node's sockets, which are used again. */
export class NodeHttpClient implements HttpClient {
  readonly #pools = new Map<string, SocketPool>()
  #places = new WeakMap<URL, Place>()

  send(url: URL, asked: HttpAsked): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      asked.signal?.throwIfAborted()
      const place = this.#places.get(url) ?? this.#placeOf(url)
      const { pool } = place
      const bytes = (asked.writer ?? new RequestWriter()).bytes(place, asked)
      pool.run(new HttpExchange(pool.origin, bytes, asked, resolve, reject))
    })
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
    this.#places = new WeakMap()
  }

  #placeOf(url: URL): Place {
    const pool = this.#pools.get(url.origin) ?? new SocketPool(url)
    this.#pools.set(url.origin, pool)
    const place = { pool, host: url.host, target: url.pathname + url.search }
    this.#places.set(url, place)
    return place
  }
}
