import type { Push } from '../../sessions/sinks.js'
import { PUSH_STREAM, type EventLog, type Replay } from './event-log.js'
import type { HttpHeaders, HttpResponse } from './message.js'
import { EVENT_STREAM, frame, KEEP_ALIVE, primingFrame } from './sse.js'

/** The streams of one session, each of which a client that was cut off can come back to. */
export class EventStreams {
  readonly #log: EventLog
  readonly #isPrimed: boolean
  /** Those that are to be written to yet. */
  readonly #open = new Map<string, EventStream>()
  #lastStream = 0

  /** With `isPrimed`, streams begin with an event that tells from where to resume (from 2025-11-25 on). */
  constructor(log: EventLog, isPrimed: boolean) {
    this.#log = log
    this.#isPrimed = isPrimed
  }

  /** A stream for the answer to one request. */
  begin(response: HttpResponse, headers: HttpHeaders): EventStream {
    return this.#begin(String(++this.#lastStream), response, headers)
  }

  /** The stream for what answers no request. */
  beginPush(response: HttpResponse, headers: HttpHeaders): EventStream {
    return this.#begin(PUSH_STREAM, response, headers)
  }

  /**
   * Go on with a stream behind an event. Gives the stream, if there is more to come on it than
   * what was missed; `undefined` where the event is not known, or not any more.
   */
  async resume(
    eventId: string,
    response: HttpResponse,
    headers: HttpHeaders,
  ): Promise<{ readonly push: EventStream | undefined } | undefined> {
    const replay = await this.#log.after(eventId)
    if (replay === undefined) return undefined
    response.beginStream({ ...EVENT_STREAM, ...headers })
    const { stream: id } = replay
    const stream = this.#open.get(id) ?? (id === PUSH_STREAM ? this.#add(id) : undefined)
    if (stream === undefined) {
      writeMissed(replay, response)
      response.endStream()
      return { push: undefined }
    }
    await stream.resume(response, () => this.#log.after(eventId))
    return { push: id === PUSH_STREAM ? stream : undefined }
  }

  /** The session is over. */
  clear(): void {
    this.#open.clear()
    this.#log.clear()
  }

  #begin(id: string, response: HttpResponse, headers: HttpHeaders): EventStream {
    const stream = this.#open.get(id) ?? this.#add(id)
    stream.begin(response, headers, this.#isPrimed)
    return stream
  }

  #add(id: string): EventStream {
    const stream = new EventStream(id, this.#log, () => this.#open.delete(id))
    this.#open.set(id, stream)
    return stream
  }
}

/** One stream, whichever responses carry it one after the other. */
export class EventStream {
  readonly #id: string
  readonly #log: EventLog
  readonly #onEnd: () => void
  /** Where it is written to now; nowhere while the client is away. */
  #response: HttpResponse | undefined
  /** What has been begun and is not done yet, where the log takes its time. */
  #work: Promise<void> | undefined

  constructor(id: string, log: EventLog, onEnd: () => void) {
    this.#id = id
    this.#log = log
    this.#onEnd = onEnd
  }

  begin(response: HttpResponse, headers: HttpHeaders, isPrimed: boolean): void {
    response.beginStream({ ...EVENT_STREAM, ...headers })
    this.#attach(response)
    if (isPrimed)
      void this.#keep('', (id) => (id === undefined ? undefined : response.write(primingFrame(id))))
  }

  write(message: string): void | Promise<void> {
    return this.#keep(message, (id) => this.#response?.write(frame(message, id)))
  }

  /** Show those in between that there is more to come. */
  keepAlive(): void {
    void this.#response?.write(KEEP_ALIVE)
  }

  /** Have the client hang up; it may come back. */
  hangUp(): void {
    this.#afterwards(() => {
      this.#response?.endStream()
      this.#response = undefined
    })
  }

  end(message?: string): void {
    if (message !== undefined) void this.write(message)
    this.hangUp()
    this.#afterwards(this.#onEnd)
  }

  /** What goes to a client that is there for what answers no request. */
  toPush(): Push {
    return {
      send: (message) => this.write(message),
      close: () => {
        this.end()
      },
    }
  }

  /** Go on on another response, with what was missed first. The one before, if it still seems to be there, ends. */
  async resume(response: HttpResponse, missed: () => ReturnType<EventLog['after']>): Promise<void> {
    await this.#queue(async () => {
      const replay = await missed()
      this.#response?.endStream()
      if (replay !== undefined) writeMissed(replay, response)
      this.#attach(response)
    })
  }

  #attach(response: HttpResponse): void {
    this.#response = response
    response.onGone(() => {
      if (this.#response === response) this.#response = undefined
    })
  }

  /** What could not be kept goes out all the same, without an id. */
  #keep(message: string, write: (id?: string) => void | Promise<void>): void | Promise<void> {
    const id = this.#log.append(this.#id, message)
    if (typeof id === 'string' && this.#work === undefined) return write(id)
    const kept = Promise.resolve(id).catch(() => undefined)
    return this.#queue(async () => {
      void write(await kept)
    })
  }

  #afterwards(run: () => void): void {
    if (this.#work === undefined) run()
    else
      void this.#queue(() => {
        run()
        return Promise.resolve()
      })
  }

  /** Do something once all that was begun before is done: nothing overtakes anything. */
  #queue(run: () => Promise<void>): Promise<void> {
    const work = (this.#work ?? Promise.resolve()).then(run).finally(() => {
      if (this.#work === work) this.#work = undefined
    })
    return (this.#work = work)
  }
}

function writeMissed({ events }: Replay, response: HttpResponse): void {
  for (const { id, message } of events) if (message !== '') void response.write(frame(message, id))
}
