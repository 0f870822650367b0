import { RefusedError, type Authenticator } from '../../sessions/authenticator.js'
import type { TransportName } from '../../sessions/client-session.js'
import { authRequest } from './auth-request.js'
import type { HttpRequest, HttpResponse } from './message.js'

/** How often it is asked anew whether who has a stream open may have it, in milliseconds. */
const EVERY_MS = 30_000

/** How many are asked about at once. */
const AT_ONCE = 16

interface Watched {
  readonly request: HttpRequest
  readonly transport: TransportName
  readonly end: () => void
  /** What else comes with the same of these is likely to be of the same client. */
  readonly marks: readonly string[]
}

interface ToWatch {
  readonly request: HttpRequest
  readonly response: HttpResponse
  /** Default: `httpStream`. */
  readonly transport?: TransportName
  readonly end: () => void
  /** Of the session that it opened. */
  readonly sessionId?: string
}

/** Headers by which clients mostly show who they are. */
const CREDENTIALS = ['authorization', 'x-api-key', 'cookie']

/** Ends streams whose clients would be refused by now: a stream is one request, however long it lasts. */
export class Rechecks {
  readonly #authenticator: Authenticator
  readonly #watched = new Set<Watched>()
  readonly #byMark = new Map<string, Set<Watched>>()
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #checking = new Set<Watched>()

  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator
  }

  /** Look after an answer until it has ended; `end` is called if it has to. */
  watch({ request, response, transport = 'httpStream', end, sessionId }: ToWatch): void {
    const watched = { request, transport, end, marks: marksOf(request, sessionId) }
    this.#watched.add(watched)
    for (const mark of watched.marks) {
      const marked = this.#byMark.get(mark)
      if (marked === undefined) this.#byMark.set(mark, new Set([watched]))
      else marked.add(watched)
    }
    this.#timer ??= this.#start()
    response.onOver(() => {
      this.#forget(watched)
    })
  }

  /** Somebody was refused: it may be that streams of his are to end as well, which is found out now. */
  refused(request: HttpRequest): void {
    if (this.#watched.size === 0) return
    const suspects = new Set(marksOf(request).flatMap((mark) => [...(this.#byMark.get(mark) ?? [])]))
    void this.#checkAll([...suspects])
  }

  #start(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      void this.#checkAll([...this.#watched])
    }, EVERY_MS)
    ;(timer as { unref?: () => void }).unref?.()
    return timer
  }

  /** Some after the others: whoever knows may be asked over a network. */
  async #checkAll(some: readonly Watched[]): Promise<void> {
    const all = some.filter((watched) => !this.#checking.has(watched)).values()
    const checkNext = async (): Promise<void> => {
      for (const watched of all) {
        if (!this.#watched.has(watched) || this.#checking.has(watched)) continue
        this.#checking.add(watched)
        await this.#check(watched)
        this.#checking.delete(watched)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, checkNext))
  }

  async #check(watched: Watched): Promise<void> {
    const { request, transport, end } = watched
    try {
      const { principal } = await this.#authenticator.check(authRequest(request, transport))
      if (principal === request.credentials.principal) return
    } catch (error) {
      // That it cannot be found out now is no refusal.
      if (error instanceof RefusedError && error.status >= 500) return
    }
    if (this.#forget(watched)) end()
  }

  #forget(watched: Watched): boolean {
    const wasThere = this.#watched.delete(watched)
    for (const mark of watched.marks) {
      const marked = this.#byMark.get(mark)
      if (marked?.delete(watched) === true && marked.size === 0) this.#byMark.delete(mark)
    }
    if (this.#watched.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    return wasThere
  }
}

/** Its session, and what it shows. */
function marksOf({ headers, query }: HttpRequest, opened?: string): string[] {
  const session = opened ?? headers['mcp-session-id'] ?? new URLSearchParams(query).get('sessionId')
  const shown = CREDENTIALS.map((name) => headers[name])
  return [
    ...(session === null ? [] : [`session ${session}`]),
    ...(shown.some((value) => value !== undefined) ? [`shows ${JSON.stringify(shown)}`] : []),
  ]
}
