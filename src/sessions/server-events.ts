import { Emitter } from '../runtime/emitter.js'
import type { Logger } from '../runtime/logger.js'
import type { ClientSession, DisconnectReason } from './client-session.js'

/** What a server tells of its sessions. */
export interface ServerEvents {
  /** A client is there, and all that is known of it is known. */
  connect: { readonly session: ClientSession }
  /** A session is over; once for each that `connect` told of. */
  disconnect: { readonly session: ClientSession; readonly reason: DisconnectReason }
}

/** The sessions that users know of: those between `connect` and `disconnect`. */
export class Connected {
  readonly events: Emitter<ServerEvents>
  readonly #sessions = new Set<ClientSession>()
  #untold: (() => void)[] = []

  constructor(logger: Logger) {
    this.events = new Emitter((name, error) => {
      logger.error(`A listener of '${name}' failed`, error)
    })
  }

  get sessions(): readonly ClientSession[] {
    return [...this.#sessions]
  }

  get size(): number {
    return this.#sessions.size
  }

  add(session: ClientSession): void {
    this.#sessions.add(session)
    this.#tell(() => {
      this.events.emit('connect', { session })
    })
  }

  delete(session: ClientSession, reason: DisconnectReason): void {
    if (!this.#sessions.delete(session)) return
    this.#tell(() => {
      this.events.emit('disconnect', { session, reason })
    })
  }

  /** What a listener brings about is told when all have heard of what it listened to. */
  #tell(emit: () => void): void {
    this.#untold.push(emit)
    if (this.#untold.length > 1) return
    for (const next of this.#untold) next()
    this.#untold = []
  }
}
