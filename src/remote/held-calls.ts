import type { Progress, Relay } from '../components/context.js'
import type { Question } from '../components/questions.js'
import { ClientAnswerError, invalidParams, ProtocolError, ErrorCode, PutOffError } from '../errors.js'
import type { ContentBlock, JsonObject } from '../protocol/types.js'
import type { Principal } from './link.js'

/** How many calls may be held, and how long each may wait for its client to come back, in milliseconds. */
const MAX_HELD = 1000
const HELD_MS = 10 * 60_000

/** How much of what a server tells is kept for a client that is away, in characters. */
const MAX_UNTOLD = 64 * 1024

interface Pending {
  readonly question: Question<JsonObject>
  readonly answer: (answer: JsonObject) => void
  readonly refuse: (error: unknown) => void
}

/** Runs a call on behalf of a principal; `signal` calls it off. */
type Run = (principal: Principal, signal: AbortSignal) => Promise<JsonObject>

/**
 * Calls that run on a server up to 2025-11-25 on behalf of a client from 2026-07-28 on. What the
 * server asks is answered in a later request, which finds the call still running here.
 */
export class HeldCalls {
  readonly #held = new Map<string, HeldCall>()

  get size(): number {
    return this.#held.size
  }

  /**
   * Run a call, or go on with one; `key` is what it goes by in each round of the request.
   * @throws PutOffError where the client has to answer first; ProtocolError -32602 where it was held elsewhere, or too long.
   */
  async run(key: string, relay: Relay, run: Run): Promise<JsonObject> {
    const id = relay.recall(key)
    const held = typeof id === 'string' ? this.#known(id) : new HeldCall(key, run, (call) => this.#hold(call))
    return held.goOn(relay)
  }

  /** Call all of them off. */
  close(): void {
    for (const held of this.#held.values()) held.callOff(new Error('The server is closing'))
    this.#held.clear()
  }

  #known(id: string): HeldCall {
    const held = this.#held.get(id)
    if (held === undefined)
      throw invalidParams('The call was held by another process, or too long ago: begin it anew')
    return held
  }

  /** Its first question makes it one that is held. Gives what ends that. */
  #hold(call: HeldCall): void {
    if (this.#held.size >= MAX_HELD) this.#dropOneThatIsOver()
    if (this.#held.size >= MAX_HELD)
      throw new ProtocolError(ErrorCode.InternalError, 'Too many calls wait for their clients')
    this.#held.set(call.id, call)
    call.whenForgotten = () => this.#held.delete(call.id)
  }

  #dropOneThatIsOver(): void {
    for (const held of this.#held.values()) {
      if (!held.isOver) continue
      held.callOff(new Error('Others need the place'))
      return
    }
  }
}

class HeldCall implements Principal {
  readonly id = crypto.randomUUID()
  /** Whether it has come to its end, and is only kept for a round that runs it again. */
  isOver = false
  whenForgotten: () => void = () => undefined
  readonly #key: string
  readonly #hold: (call: HeldCall) => void
  readonly #controller = new AbortController()
  readonly #outcome: Promise<JsonObject>
  readonly #pending = new Map<number, Pending>()
  #count = 0
  #relay: Relay | undefined
  /** What is still to be told, while nobody is there. */
  #untold: ((relay: Relay) => void)[] = []
  #untoldLength = 0
  #leave: ((error: unknown) => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(key: string, run: Run, hold: (call: HeldCall) => void) {
    this.#key = key
    this.#hold = hold
    this.#outcome = run(this, this.#controller.signal)
    void this.#outcome
      .catch(() => undefined)
      .then(() => {
        this.isOver = true
      })
  }

  /** Go on with it on behalf of another round of the request. */
  async goOn(relay: Relay): Promise<JsonObject> {
    const { signal } = relay
    clearTimeout(this.#timer)
    this.#relay = relay
    this.#catchUp(relay)
    const left = new Promise<never>((_resolve, reject) => {
      this.#leave = reject
    })
    left.catch(() => undefined)
    const onAbort = (): void => {
      const { reason } = signal
      // One that has asked nothing is begun anew in the next round.
      if (reason instanceof PutOffError && this.#count > 0) this.#leave?.(reason)
      else this.callOff(reason)
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    for (const [number, pending] of this.#pending) this.#askClient(relay, number, pending)
    try {
      return await Promise.race([this.#outcome, left])
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (this.#relay === relay) this.#wait()
    }
  }

  /** Whether its client is away, and has to come back. */
  get isAway(): boolean {
    return this.#relay === undefined
  }

  ask(question: Question<JsonObject>): Promise<JsonObject> {
    return new Promise((answer, refuse) => {
      const number = (this.#count += 1)
      if (number === 1) this.#hold(this)
      const pending: Pending = { question, answer, refuse }
      this.#pending.set(number, pending)
      question.signal?.addEventListener('abort', () => {
        // Whoever comes back is not asked again.
        if (this.#pending.delete(number)) refuse(question.signal?.reason)
      })
      const relay = this.#relay
      if (relay === undefined) return
      relay.remember(this.#key, this.id)
      this.#askClient(relay, number, pending)
    })
  }

  tell(message: JsonObject): void {
    this.#pass(message, (relay) => {
      relay.tell(message)
    })
  }

  stream(content: readonly ContentBlock[]): void {
    this.#pass(content, (relay) => {
      Promise.resolve(relay.stream(content)).catch(() => undefined)
    })
  }

  report(progress: Progress): void {
    this.#pass(progress, (relay) => {
      relay.report(progress)
    })
  }

  callOff(reason: unknown): void {
    this.#controller.abort(reason)
    this.#forget()
  }

  /** Nobody is there now: the client has to come back in time. What it gave is kept as long, for a round that runs it again. */
  #wait(): void {
    this.#relay = undefined
    if (this.#count === 0) return
    this.#timer = setTimeout(() => {
      this.callOff(new ClientAnswerError('The client did not come back in time'))
    }, HELD_MS)
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  /** Tell the client, when it is there. */
  #pass(what: object, tell: (relay: Relay) => void): void {
    if (this.#relay !== undefined) {
      tell(this.#relay)
      return
    }
    this.#untoldLength += JSON.stringify(what).length
    if (this.#untoldLength <= MAX_UNTOLD) this.#untold.push(tell)
  }

  #catchUp(relay: Relay): void {
    const untold = this.#untold
    this.#untold = []
    this.#untoldLength = 0
    for (const tell of untold) tell(relay)
  }

  #askClient(relay: Relay, number: number, { question, answer, refuse }: Pending): void {
    relay.remember(this.#key, this.id)
    relay.ask({ ...question, key: `${this.#key}?${number}` }).then(
      (given) => {
        this.#pending.delete(number)
        answer(given)
      },
      (error: unknown) => {
        if (error instanceof PutOffError) {
          this.#leave?.(error)
          return
        }
        this.#pending.delete(number)
        refuse(error)
      },
    )
  }

  #forget(): void {
    clearTimeout(this.#timer)
    const refused = new ClientAnswerError('The call that asked has ended')
    for (const { refuse } of this.#pending.values()) refuse(refused)
    this.#pending.clear()
    this.whenForgotten()
  }
}
