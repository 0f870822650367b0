import type { Authenticator } from '../../sessions/authenticator.js'
import { authRequest } from './auth-request.js'
import type { HttpRequest, HttpResponse } from './message.js'

/** How often it is asked anew whether who has a stream open may have it, in milliseconds. */
const EVERY_MS = 30_000

interface Watched {
  readonly request: HttpRequest
  readonly end: () => void
}

/** Ends streams whose clients would be refused by now: a stream is one request, however long it lasts. */
export class Rechecks {
  readonly #authenticator: Authenticator
  readonly #watched = new Set<Watched>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator
  }

  /** Look after a stream until it has ended; `end` is called if it has to. */
  watch(request: HttpRequest, response: HttpResponse, end: () => void): void {
    const watched = { request, end }
    this.#watched.add(watched)
    this.#timer ??= this.#start()
    response.onGone(() => {
      this.#forget(watched)
    })
  }

  /** Somebody was refused who says that he is of a session: it may be that its streams are to end as well. */
  refused(sessionId: string): void {
    for (const watched of this.#watched)
      if (watched.request.headers['mcp-session-id'] === sessionId) void this.#check(watched)
  }

  #start(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      for (const watched of this.#watched) void this.#check(watched)
    }, EVERY_MS)
    ;(timer as { unref?: () => void }).unref?.()
    return timer
  }

  async #check(watched: Watched): Promise<void> {
    const { request, end } = watched
    try {
      const { principal } = await this.#authenticator.check(authRequest(request, 'httpStream'))
      if (principal === request.credentials.principal) return
    } catch {
      // It is refused.
    }
    if (this.#forget(watched)) end()
  }

  #forget(watched: Watched): boolean {
    const wasThere = this.#watched.delete(watched)
    if (this.#watched.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    return wasThere
  }
}
