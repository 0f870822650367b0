/**
 * HTTP as the endpoint sees it, so that it serves Node's own requests and web-standard
 * ones without turning either into the other.
 */

import type { Credentials } from '../../sessions/sinks.js'

export type HttpHeaders = Readonly<Record<string, string>>

export const NO_HEADERS: HttpHeaders = {}

export interface HttpRequest {
  readonly method: string
  /** Exactly as asked for, without the query. */
  readonly path: string
  /** The same before a framework took away the prefix that the server is reached under. */
  readonly originalPath: string
  /** What comes behind the `?`, or nothing. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: HttpHeaders
  /** Who sent it, once that has been found out. */
  credentials: Credentials
  /** The body, where something before us has read and parsed it. */
  readonly parsed?: unknown
  /**
   * The body, read once.
   * @throws HttpError 413 past `limit` bytes, 400 for what is not UTF-8.
   */
  text(limit: number): Promise<string>
  /** The body is not wanted: no more of it is taken than lets the client see the answer. */
  discard(): void
}

/** Either one whole answer, or a stream: begun, written to, ended. */
export interface HttpResponse {
  send(status: number, headers: HttpHeaders, body?: string): void
  beginStream(headers: HttpHeaders): void
  write(text: string): void | Promise<void>
  endStream(): void
  /** End it in the middle, as if the client had gone. */
  cut(): void
  /** Be told if the client goes away before the answer has ended. */
  onGone(listener: () => void): void
  /** Be told when it has ended, however. */
  onOver(listener: () => void): void
}

/** What was written is held together up to this much; beyond it, writers are asked to wait. */
export const WRITE_AT = 64 * 1024

/** How much may wait for a client that reads too slowly before it is given up; writers that wait never get there. */
export const MAX_BACKLOG_BYTES = 16 * 1024 * 1024

/** A request that is refused before it means anything. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: HttpHeaders

  constructor(status: number, message: string, headers: HttpHeaders = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}
