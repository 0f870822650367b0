/** What one session was sent on its streams, kept for a client that comes back (2025, basic/transports, Resumability). */
export interface EventLog {
  /** Keep a message; gives the id that it goes out with. */
  append(stream: string, message: string): string | Promise<string>
  /** What came after an event on its stream; `undefined` where that is not known any more. */
  after(eventId: string): Replay | undefined | Promise<Replay | undefined>
  /** The session is over. */
  clear(): void
}

/** What a client has missed on a stream, oldest first. An empty message is an event that carried none. */
export interface Replay {
  readonly stream: string
  readonly events: readonly { readonly id: string; readonly message: string }[]
}

/** How many events, how many characters of them, and for how long one session may have kept. */
const MAX_EVENTS = 1000
const MAX_LENGTH = 4 * 1024 * 1024
const MAX_AGE_MS = 5 * 60_000

/** How many characters all sessions of a server together may have kept. */
const MAX_TOTAL_LENGTH = 256 * 1024 * 1024

/** How often events that are too old are looked for, in milliseconds. */
const PRUNE_EVERY_MS = 60_000

/** The stream for what answers no request. What is missed there can do without what came before it. */
export const PUSH_STREAM = '0'

interface Event {
  readonly stream: string
  readonly message: string
  readonly at: number
}

/** The memory that the logs of one server share. */
export class EventMemory {
  readonly #maxLength: number
  readonly #logs = new Set<BoundedEventLog>()
  #length = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(maxLength = MAX_TOTAL_LENGTH) {
    this.#maxLength = maxLength
  }

  log(): EventLog {
    return new BoundedEventLog(this)
  }

  /** A log holds this much more, or less. What is too much for all goes from the one that was begun first. */
  changed(log: BoundedEventLog, difference: number): void {
    this.#length += difference
    if (!log.isEmpty) {
      if (!log.isListed) this.#list(log)
      const [first] = this.#logs
      if (this.#length > this.#maxLength) first?.clear()
      return
    }
    log.isListed = false
    this.#logs.delete(log)
    if (this.#logs.size === 0) this.#stop()
  }

  #list(log: BoundedEventLog): void {
    log.isListed = true
    this.#logs.add(log)
    this.#timer ??= this.#start()
  }

  #start(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      for (const log of this.#logs) log.prune()
    }, PRUNE_EVERY_MS)
    if (typeof timer === 'object') timer.unref()
    return timer
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Forgets the oldest events when there are too many, they are too long, or too old. */
class BoundedEventLog implements EventLog {
  /** Whether the memory knows that it holds something. */
  isListed = false
  readonly #memory: EventMemory
  readonly #events: Event[] = []
  /** Where in `#events` the oldest that is still kept stands, and its number since the session began. */
  #head = 0
  #firstNumber = 1
  #length = 0

  constructor(memory: EventMemory) {
    this.#memory = memory
  }

  get isEmpty(): boolean {
    return this.#head === this.#events.length
  }

  append(stream: string, message: string): string {
    const before = this.#length
    this.#events.push({ stream, message, at: Date.now() })
    this.#length += message.length
    const number = this.#firstNumber + this.#count - 1
    while (this.#count > MAX_EVENTS || this.#length > MAX_LENGTH) this.#dropOldest()
    this.#memory.changed(this, this.#length - before)
    return `${stream}-${number}`
  }

  after(eventId: string): Replay | undefined {
    const [, stream, text] = /^(\d+)-(\d+)$/.exec(eventId) ?? []
    const number = Number(text)
    if (stream === undefined || number >= this.#firstNumber + this.#count) return undefined
    if (number < this.#firstNumber - 1 && stream !== PUSH_STREAM) return undefined
    const event = this.#events[this.#head + number - this.#firstNumber]
    if (number >= this.#firstNumber && event?.stream !== stream) return undefined
    const from = Math.max(number + 1, this.#firstNumber)
    const events = this.#events
      .slice(this.#head + from - this.#firstNumber)
      .map((event, index) => ({ ...event, id: `${event.stream}-${from + index}` }))
    return { stream, events: events.filter((event) => event.stream === stream) }
  }

  clear(): void {
    const before = this.#length
    this.#firstNumber += this.#count
    this.#events.length = this.#head = this.#length = 0
    this.#memory.changed(this, -before)
  }

  /** Forget what is too old. */
  prune(): void {
    const before = this.#length
    const since = Date.now() - MAX_AGE_MS
    while (!this.isEmpty && (this.#events[this.#head] as Event).at < since) this.#dropOldest()
    this.#memory.changed(this, this.#length - before)
  }

  get #count(): number {
    return this.#events.length - this.#head
  }

  #dropOldest(): void {
    this.#length -= (this.#events[this.#head] as Event).message.length
    this.#events[this.#head] = EMPTY
    this.#head += 1
    this.#firstNumber += 1
    if (this.#head < MAX_EVENTS) return
    this.#events.splice(0, this.#head)
    this.#head = 0
  }
}

const EMPTY: Event = { stream: '', message: '', at: 0 }
