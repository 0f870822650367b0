import type { RelaySession } from '../components/context.js'
import type { ControlConnection } from './control-connection.js'

/** How long after a session its shared connection may be notified of the same change, in milliseconds. */
const SAME_CHANGE_MS = 2000

/**
 * Decides whether the lists of a session are its own. A server notifies all its connections of a change for everybody:
 * then the list is fetched once, over the shared connection. A session that is notified more often has lists of its own.
 */
export class SessionLists {
  readonly #session: RelaySession
  readonly #shared: ControlConnection
  readonly #sharedBefore: number
  #notified = 0
  #isConfirmed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(session: RelaySession, shared: ControlConnection) {
    this.#session = session
    this.#shared = shared
    this.#sharedBefore = shared.listChanges
    shared.followers.add(this.#check)
  }

  /** Whether they are the session's own now. */
  get areOwn(): boolean {
    return this.#isConfirmed || this.#timer !== undefined
  }

  /** The session's own connection is notified of a changed list. */
  notified(): void {
    this.#notified += 1
    if (this.areOwn || !this.#isAhead) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isConfirmed = true
    }, SAME_CHANGE_MS)
    ;(this.#timer as { unref?: () => void }).unref?.()
    this.#session.ownLists += 1
  }

  end(): void {
    if (this.areOwn) this.#session.ownLists -= 1
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isConfirmed = false
    this.#shared.followers.delete(this.#check)
  }

  get #isAhead(): boolean {
    return this.#notified > this.#shared.listChanges - this.#sharedBefore
  }

  /** The shared connection is notified: of the same change, unless the session was notified of more. */
  readonly #check = (): void => {
    if (this.#timer === undefined || this.#isAhead) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#session.ownLists -= 1
  }
}
