/**
 * Where messages go. Each comes as JSON text, encoded once; a sink only frames it.
 * A promise is given where the client is slower than what is written: await it.
 */

import type { AuthScheme } from './auth-scheme.js'

/** Takes all that answers one incoming message: one HTTP response, or a shared wire. */
export interface Reply {
  /** Whether `send` gets through: some clients take nothing but the answer. */
  readonly canSend: boolean
  /** Something that comes before the answer: progress, a log message, a question. */
  send(message: string): void | Promise<void>
  /**
   * The answer, and the end; without one where a request was called off.
   * `status` and `headers` are for HTTP, and only of use while nothing else was sent.
   */
  end(message?: string, status?: number, headers?: Readonly<Record<string, string>>): void
  /** What came in wants no answer. */
  accept(): void
  /** Show those in between that the answer is still to come. */
  keepAlive?(): void
  /** Have the client hang up and come back for the answer, where that can be done. */
  hangUp?(): void
}

/** Takes what answers no request: 2025's GET stream, or a shared wire. */
export interface Push {
  send(message: string): void | Promise<void>
  close(): void
}

/** Who sent a message, as `authenticate` says. */
export interface Credentials {
  /** What it gave. */
  readonly auth: unknown
  /** The same for requests of the same caller only; nothing where nobody is asked who he is. */
  readonly principal: string | undefined
  /** How that was found out, if by a scheme that knows more. */
  readonly scheme?: AuthScheme | undefined
}

/** Where nobody is asked who he is. */
export const ANYBODY: Credentials = { auth: undefined, principal: undefined }

/** What is known of a message beside what it says. */
export interface RequestFacts {
  /** HTTP headers by their lower-case names, where there is HTTP. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly credentials: Credentials
}
