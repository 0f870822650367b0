import type { Progress, Relay } from '../components/context.js'
import type { Question } from '../components/questions.js'
import { ClientAnswerError, ErrorCode, invalidParams, ProtocolError, PutOffError } from '../errors.js'
import type { ContentBlock, JsonObject } from '../protocol/types.js'
import type { CallMemory } from './call-memory.js'
import type { ClientPeer } from './proxied-request.js'

/** How many calls are registered, and how long each waits for its client, in milliseconds. */
const MAX_CALLS = 1000
const WAIT_MS = 10 * 60_000

/** How much of a server's messages is kept for a client that is away, in characters. */
const MAX_PENDING_LENGTH = 64 * 1024

/** Runs a call for a client; `signal` cancels it. */
type Run = (peer: ClientPeer, signal: AbortSignal) => Promise<JsonObject>

/**
 * The states of a call:
 * - `running`: its first round is under way;
 * - `suspended`: that round was answered with input requests, and the client has not come back;
 * - `resumed`: a later round is under way;
 * - `done`: the server has answered. The result is kept for rounds that run the call again;
 * - `expired`: the client did not come back in time;
 * - `cancelled`: a round was cancelled, or the proxy is closing.
 */
type State = 'running' | 'suspended' | 'resumed' | 'done' | 'expired' | 'cancelled'

const NEXT: Readonly<Record<State, readonly State[]>> = {
  running: ['suspended', 'done', 'cancelled'],
  suspended: ['resumed', 'done', 'expired', 'cancelled'],
  resumed: ['resumed', 'suspended', 'done', 'cancelled'],
  done: ['expired', 'cancelled'],
  expired: [],
  cancelled: [],
}

/**
 * Calls that run on a server up to 2025-11-25 for clients from 2026-07-28 on. An input request of the server is answered
 * in a later request of the client, which finds its call still running here.
 */
export class SuspendedCalls {
  readonly #calls = new Map<string, SuspendedCall>()

  get size(): number {
    return this.#calls.size
  }

  /**
   * Runs a call, or resumes the one that an earlier round has begun.
   * @throws PutOffError where the client has to answer first; ProtocolError -32602 for a call of another process, or one
   * that has expired.
   */
  run(memory: CallMemory, relay: Relay, run: Run): Promise<JsonObject> {
    const id = memory.recall()
    if (typeof id !== 'string')
      return new SuspendedCall(memory.key, run, (call) => {
        this.#register(call)
      }).follow(relay, memory)
    const call = this.#calls.get(id)
    if (call === undefined)
      throw invalidParams('The call was held by another process, or too long ago: begin it anew')
    return call.follow(relay, memory)
  }

  /** Cancels all calls. */
  close(): void {
    for (const call of [...this.#calls.values()]) call.abort(new Error('The server is closing'))
    this.#calls.clear()
  }

  /** Called for the first input request of a call. */
  #register(call: SuspendedCall): void {
    if (this.#calls.size >= MAX_CALLS) this.#evictOneThatIsDone()
    if (this.#calls.size >= MAX_CALLS)
      throw new ProtocolError(ErrorCode.InternalError, 'Too many calls wait for their clients')
    this.#calls.set(call.id, call)
    call.onRemoved = () => this.#calls.delete(call.id)
  }

  #evictOneThatIsDone(): void {
    for (const call of this.#calls.values()) {
      if (call.state !== 'done') continue
      call.abort(new Error('Evicted'))
      return
    }
  }
}

interface InputRequest {
  readonly question: Question<JsonObject>
  readonly resolve: (answer: JsonObject) => void
  readonly reject: (error: unknown) => void
}

/** One round of a call: a request of the client. */
interface Round {
  readonly relay: Relay
  readonly memory: CallMemory
  /** Ends the round, but not the call. */
  readonly leave: (error: PutOffError) => void
}

class SuspendedCall implements ClientPeer {
  readonly id = crypto.randomUUID()
  onRemoved: () => void = () => undefined
  readonly #key: string
  readonly #register: (call: SuspendedCall) => void
  readonly #controller = new AbortController()
  readonly #outcome: Promise<JsonObject>
  readonly #inputRequests = new Map<number, InputRequest>()
  #state: State = 'running'
  #count = 0
  /** The round that is under way. */
  #round: Round | undefined
  /** Messages for the client while it is away. */
  #pendingMessages: ((relay: Relay) => void)[] = []
  #pendingLength = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(key: string, run: Run, register: (call: SuspendedCall) => void) {
    this.#key = key
    this.#register = register
    this.#outcome = run(this, this.#controller.signal)
    const done = (): void => {
      if (NEXT[this.#state].includes('done')) this.#become('done')
    }
    this.#outcome.then(done, done)
  }

  get state(): State {
    return this.#state
  }

  /** Waits for the result, or for the next input request, in one round of the client. */
  async follow(relay: Relay, memory: CallMemory): Promise<JsonObject> {
    clearTimeout(this.#timer)
    const { signal } = relay
    let leave: Round['leave'] = () => undefined
    const left = new Promise<never>((_resolve, reject) => {
      leave = reject
    })
    left.catch(() => undefined)
    const round: Round = { relay, memory, leave }
    if (this.#state === 'suspended') this.#become('resumed')
    this.#round = round
    this.#flush(relay)
    const onAbort = (): void => {
      const { reason } = signal
      // A call without input requests begins anew in the next round.
      if (reason instanceof PutOffError && this.#count > 0) round.leave(reason)
      else this.abort(reason)
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    for (const [number, request] of this.#inputRequests) this.#askClient(round, number, request)
    try {
      return await Promise.race([this.#outcome, left])
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (this.#round === round) this.#suspend()
    }
  }

  ask(question: Question<JsonObject>): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      if (this.#count === 0) this.#register(this)
      const number = (this.#count += 1)
      const request: InputRequest = { question, resolve, reject }
      this.#inputRequests.set(number, request)
      question.signal?.addEventListener('abort', () => {
        // A client that comes back is not asked again.
        if (this.#inputRequests.delete(number)) reject(question.signal?.reason)
      })
      if (this.#round !== undefined) this.#askClient(this.#round, number, request)
    })
  }

  tell(message: JsonObject): void {
    this.#deliver(message, (relay) => {
      relay.tell(message)
    })
  }

  stream(content: readonly ContentBlock[]): void {
    this.#deliver(content, (relay) => {
      Promise.resolve(relay.stream(content)).catch(() => undefined)
    })
  }

  report(progress: Progress): void {
    this.#deliver(progress, (relay) => {
      relay.report(progress)
    })
  }

  /** Cancels the call on the server. */
  abort(reason: unknown): void {
    this.#end('cancelled', reason)
  }

  #become(state: State): void {
    if (!NEXT[this.#state].includes(state))
      throw new Error(`A call that is ${this.#state} cannot become ${state}`)
    this.#state = state
  }

  /** The client is away. It has to come back in time; a result is kept for as long. */
  #suspend(): void {
    this.#round = undefined
    if (this.#count === 0 || NEXT[this.#state].length === 0) return
    if (NEXT[this.#state].includes('suspended')) this.#become('suspended')
    this.#timer = setTimeout(() => {
      this.#end('expired', new ClientAnswerError('The client did not come back in time'))
    }, WAIT_MS)
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  #end(state: 'expired' | 'cancelled', reason: unknown): void {
    if (!NEXT[this.#state].includes(state)) return
    this.#become(state)
    this.#controller.abort(reason)
    clearTimeout(this.#timer)
    const ended = new ClientAnswerError('The call that asked has ended')
    for (const { reject } of this.#inputRequests.values()) reject(ended)
    this.#inputRequests.clear()
    this.onRemoved()
  }

  /** Gives the client a message, now or when it is there again. */
  #deliver(content: object, deliver: (relay: Relay) => void): void {
    if (this.#round !== undefined) {
      deliver(this.#round.relay)
      return
    }
    this.#pendingLength += JSON.stringify(content).length
    if (this.#pendingLength <= MAX_PENDING_LENGTH) this.#pendingMessages.push(deliver)
  }

  #flush(relay: Relay): void {
    const pending = this.#pendingMessages
    this.#pendingMessages = []
    this.#pendingLength = 0
    for (const deliver of pending) deliver(relay)
  }

  #askClient(round: Round, number: number, { question, resolve, reject }: InputRequest): void {
    round.memory.remember(this.id)
    round.relay.ask({ ...question, key: `${this.#key}?${number}` }).then(
      (answer) => {
        this.#inputRequests.delete(number)
        resolve(answer)
      },
      (error: unknown) => {
        if (error instanceof PutOffError) {
          round.leave(error)
          return
        }
        this.#inputRequests.delete(number)
        reject(error)
      },
    )
  }
}
