import type { JsonRpcMessage } from '../../protocol/json-rpc.js'
import type { EventLog, Replay } from './event-log.js'

/**
 * Keeps what sessions up to 2025-11-25 were sent somewhere else than in this process. Shaped
 * as the official SDK's `EventStore`, so that what implements one can be given as it is.
 */
export interface EventStore {
  /** Keep a message of a stream; gives an id that no other event has. An empty object is an event without a message. */
  storeEvent(streamId: string, message: JsonRpcMessage): Promise<string>
  /** Send what came after an event on its stream, in order; gives the stream. Rejects for an event that is not known. */
  replayEventsAfter(
    lastEventId: string,
    options: { send: (eventId: string, message: JsonRpcMessage) => Promise<void> },
  ): Promise<string>
}

/** One session's part of a store. */
export class StoredEventLog implements EventLog {
  readonly #store: EventStore
  readonly #prefix: string

  constructor(store: EventStore, sessionId: string) {
    this.#store = store
    this.#prefix = `${sessionId}/`
  }

  async append(stream: string, message: string): Promise<string> {
    const kept = (message === '' ? {} : JSON.parse(message)) as JsonRpcMessage
    return this.#store.storeEvent(this.#prefix + stream, kept)
  }

  async after(eventId: string): Promise<Replay | undefined> {
    const events: { id: string; message: string }[] = []
    const send = (id: string, message: JsonRpcMessage): Promise<void> => {
      events.push({ id, message: 'jsonrpc' in message ? JSON.stringify(message) : '' })
      return Promise.resolve()
    }
    try {
      const stream = await this.#store.replayEventsAfter(eventId, { send })
      // An event of another session is none of this one's.
      return stream.startsWith(this.#prefix)
        ? { stream: stream.slice(this.#prefix.length), events }
        : undefined
    } catch {
      return undefined
    }
  }

  clear(): void {
    // How long it keeps what is for the store to say.
  }
}
