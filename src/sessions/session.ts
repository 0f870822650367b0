import type { Caller } from '../components/context.js'
import { rootsQuestion } from '../components/questions.js'
import { invalidRequest } from '../errors.js'
import { claimsOwnRevision } from '../protocol/era.js'
import {
  encodeError,
  encodeNotification,
  encodeRequest,
  readMessage,
  type JsonRpcNotification,
} from '../protocol/json-rpc.js'
import type { LogLevel } from '../protocol/types.js'
import { BatchReply } from './batch-reply.js'
import type { Audience, Changes } from './change-notifier.js'
import { ClientLine } from './client-line.js'
import {
  ClientSession,
  type DisconnectReason,
  type SessionCore,
  type TransportName,
} from './client-session.js'
import { Conversation } from './conversation.js'
import type { ExchangeSession } from './exchange.js'
import { FrontSession } from './front-session.js'
import { RequestCaller } from './request-caller.js'
import { Requests } from './requests.js'
import { Roots } from './roots.js'
import type { Services } from './services.js'
import type { RequestFacts, Push, Reply } from './sinks.js'

/** How many messages a batch may hold. */
const MAX_BATCH = 100

interface SessionOptions {
  readonly transport: TransportName
  /** There where the connection is the session. */
  readonly push?: Push | undefined
  /** Whose it is: the principal of who opened it. */
  readonly owner?: string | undefined
  /** Whether all messages of the connection come from one client, so that it is one caller in any revision. */
  readonly isOneClient?: boolean | undefined
  /** Called once, when it is over. */
  readonly onEnd: (session: Session) => void
}

/**
 * One client's conversation with the server. Over HTTP that is a session of 2024-11-05 to
 * 2025-11-25; a connection that lasts, such as stdio, is one whichever era its client speaks.
 */
export class Session implements Audience, SessionCore, ExchangeSession {
  /** The `Mcp-Session-Id` over HTTP. */
  readonly id: string = crypto.randomUUID()
  readonly transport: TransportName
  readonly owner: string | undefined
  readonly createdAt: number = Date.now()
  /** When a message last came in or went out, by the clock of `Date.now()`. */
  lastActive: number = this.createdAt
  /** When the client last showed that it is there, by the same. */
  lastHeard: number = this.createdAt
  readonly #services: Services
  readonly #conversation: Conversation
  readonly #requests: Requests
  readonly #onEnd: SessionOptions['onEnd']
  #pendingLists: Set<string> | undefined
  #pendingResources: Set<string> | undefined
  #push: Push | undefined
  #line: ClientLine | undefined
  #state: Map<string, unknown> | undefined
  /** What users know it as; there from `connect` on. */
  #face: ClientSession | undefined
  /** The first 2026-07-28 client on a connection. */
  #envelope: { readonly caller: Caller; readonly logLevel: LogLevel | undefined } | undefined
  #isReady = false
  #isClosed = false
  #isPassing = false
  #front: FrontSession | undefined
  #whenEnded: (() => void)[] | undefined
  #isGone = false
  /** What is known of the last message. */
  #facts: RequestFacts | undefined
  #pingedAt = 0

  constructor(services: Services, { transport, push, owner, isOneClient, onEnd }: SessionOptions) {
    this.transport = transport
    this.owner = owner
    this.#services = services
    this.#push = push
    this.#onEnd = onEnd
    this.#conversation = new Conversation(services, this)
    this.#requests = new Requests(services, isOneClient === true ? this.id : undefined)
    this.#requests.onEnd = () => {
      this.lastActive = Date.now()
    }
  }

  /** The session as connections to upstream servers use it. */
  get front(): FrontSession {
    return (this.#front ??= new FrontSession(this))
  }

  /** Whether the client has said that it is ready. */
  get isReady(): boolean {
    return this.#isReady
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether `initialize` has been answered. */
  get isOpen(): boolean {
    return this.#conversation.speaker !== undefined
  }

  /** Whether the client has not said yet that it is ready, and waits for nothing. */
  get isUnready(): boolean {
    return !this.#isReady && this.#requests.size === 0
  }

  /** Whether nothing runs and nobody listens. */
  get isIdle(): boolean {
    return this.#requests.size === 0 && this.#push === undefined
  }

  /** Whether there is a place for messages that answer no request. */
  get isListening(): boolean {
    return this.#push !== undefined
  }

  get speaker(): SessionCore['speaker'] {
    return this.#conversation.speaker ?? this.#envelope
  }

  /** The revision that `initialize` settled on. */
  get protocolVersion(): string | undefined {
    return this.#conversation.speaker?.caller.protocolVersion
  }

  get line(): ClientLine | undefined {
    if (!this.isOpen || this.#isPassing) return undefined
    return (this.#line ??= new ClientLine(new Roots(), () => this.#pushMessage()))
  }

  get state(): Map<string, unknown> {
    return (this.#state ??= new Map())
  }

  /** Answer as if `initialize` had told all this. It is no session that anybody comes back to. */
  assume(caller: Caller): void {
    this.#conversation.assume(caller)
    this.#isPassing = true
  }

  /** Give messages that answer no request a place to go; gives what takes it away again. */
  attach(push: Push): () => void {
    if (this.#isClosed) {
      push.close()
      return () => undefined
    }
    this.#push = push
    this.lastHeard = this.lastActive = Date.now()
    this.#flush()
    if (this.#face !== undefined && this.#canAskForRoots) void this.#refreshRoots()
    return () => {
      if (this.#push !== push) return
      this.#push = undefined
      this.lastActive = Date.now()
    }
  }

  /** Handle what came in, one message or a batch. All that answers it goes to `reply`. */
  receive(payload: unknown, reply: Reply, facts?: RequestFacts): void {
    if (this.#isClosed) {
      refuseAsOver(payload, reply)
      return
    }
    this.lastHeard = this.lastActive = Date.now()
    this.#facts = facts ?? this.#facts
    if (Array.isArray(payload)) this.#receiveBatch(payload, reply, facts)
    else this.#receiveOne(payload, reply, facts)
  }

  changed(changes: Changes): void {
    for (const method of changes.lists) (this.#pendingLists ??= new Set()).add(method)
    this.#flush()
    for (const uri of changes.resources)
      if (this.#conversation.isSubscribed(uri))
        this.#services.whenHeard(uri, this.caller, () => {
          ;(this.#pendingResources ??= new Set()).add(uri)
          this.#flush()
        })
  }

  /** Ping a client that has been silent, and give up one that stays so. */
  beat(now: number, intervalMs: number): 'pinged' | 'ended' | undefined {
    if (!this.#isReady || this.#push === undefined || now - this.lastHeard < intervalMs) return undefined
    if (this.#pingedAt <= this.lastHeard) {
      this.#pingedAt = now
      // Whatever comes back shows that the client is there, so the answer itself is not waited for.
      void this.#push.send(encodeRequest(`ping-${now}`, 'ping'))
      return 'pinged'
    }
    if (now - this.#pingedAt < intervalMs) return undefined
    this.end('ping timeout')
    return 'ended'
  }

  /** Tell whoever listens of what went wrong and belongs to no request. */
  report(error: unknown): void {
    this.#face?.emit('error', { error })
  }

  /** The client has gone. What runs may come to its end. */
  gone(): void {
    this.#isGone = true
  }

  /** Call off everything that runs. */
  cancelAll(reason: string): void {
    this.#requests.cancelAll(reason)
  }

  /** End it: what runs is called off, what is open is closed. */
  end(reason: DisconnectReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#services.changes.delete(this)
    this.#conversation.end()
    this.#line?.requests.rejectAll('The session has ended')
    this.cancelAll('the session has ended')
    const push = this.#push
    this.#push = undefined
    push?.close()
    this.#onEnd(this)
    const { connected } = this.#services
    if (this.#face !== undefined) connected.delete(this.#face, this.#isGone ? 'connection closed' : reason)
    for (const callback of this.#whenEnded ?? []) callback()
    this.#front?.ended()
  }

  push(text: string): void {
    void this.#push?.send(text)
  }

  /** Do something once it is over. */
  whenEnded(callback: () => void): void {
    if (this.#isClosed) callback()
    else (this.#whenEnded ??= []).push(callback)
  }

  /** Who speaks, as of the last message. */
  get caller(): Caller | undefined {
    const caller = this.#conversation.speaker?.caller
    return caller === undefined || this.#facts === undefined ? caller : new RequestCaller(caller, this.#facts)
  }

  #pushMessage(): Push['send'] | undefined {
    const push = this.#push
    return push && ((message) => push.send(message))
  }

  #receiveOne(payload: unknown, reply: Reply, facts: RequestFacts | undefined): void {
    const incoming = readMessage(payload)
    switch (incoming.kind) {
      case 'request':
        if (claimsOwnRevision(incoming.message.params))
          this.#requests.answerAlone(incoming.message, reply, facts, this.#onSpeaker)
        else
          this.#requests.answerWithin(
            this.#isPassing ? undefined : this,
            incoming.message,
            reply,
            facts,
            this.#conversation.understand,
          )
        return
      case 'notification':
        this.#notified(incoming.message)
        reply.accept()
        return
      case 'response':
        this.#line?.requests.settle(incoming.message)
        reply.accept()
        return
      case 'invalid':
        this.report(invalidRequest(`Invalid message: ${incoming.problem}`))
        reply.end(encodeError(incoming.id, invalidRequest(`Invalid message: ${incoming.problem}`)), 400)
    }
  }

  /** Batches were part of the protocol up to 2025-03-26, and `initialize` never part of one. */
  #receiveBatch(payload: readonly unknown[], reply: Reply, facts: RequestFacts | undefined): void {
    const refuse = (problem: string): void => {
      reply.end(encodeError(undefined, invalidRequest(problem)), 400)
    }
    const version = this.protocolVersion
    if (version === undefined || version > '2025-03-26') {
      refuse('Batches are not part of this protocol revision')
      return
    }
    if (payload.length === 0 || payload.length > MAX_BATCH) {
      refuse(`A batch must hold 1 to ${MAX_BATCH} messages`)
      return
    }
    const batch = new BatchReply(reply)
    for (const message of payload) this.#receiveOne(message, batch.part(), facts)
    batch.complete()
  }

  #notified({ method, params = {} }: JsonRpcNotification): void {
    const { requestId, reason } = params
    if (method === 'notifications/cancelled')
      this.#requests.cancel(requestId, typeof reason === 'string' ? reason : undefined)
    if (!this.isOpen || this.#isClosed || this.#isPassing) return
    if (method === 'notifications/initialized' && !this.#isReady) this.#begin()
    const isForUpstreams =
      method === 'notifications/roots/list_changed' || this.#services.passesUnknown(method)
    if (isForUpstreams) this.#front?.notified(method, params)
    if (method === 'notifications/roots/list_changed') {
      this.line?.roots.outdate()
      if (this.#face !== undefined && this.#canAskForRoots) void this.#refreshRoots()
    }
  }

  /** The client is ready: from now on it is told of changes, and users of it. */
  #begin(): void {
    this.#isReady = true
    this.#services.changes.add(this)
    this.#flush()
    if (this.#canAskForRoots) void this.#refreshRoots().then(this.#introduce)
    else this.#introduce()
  }

  readonly #introduce = (): void => {
    const { speaker } = this
    if (this.#isClosed || this.#face !== undefined || speaker === undefined) return
    this.#face = new ClientSession(this, speaker.caller, this.#services.logger)
    this.#services.connected.add(this.#face)
  }

  /** A 2026-07-28 client says with each request who it is; on a connection the first tells that it is there. */
  readonly #onSpeaker = (speaker: { caller: Caller; logLevel: LogLevel | undefined }): void => {
    if (this.#envelope !== undefined || this.isOpen) return
    this.#envelope = { ...speaker, logLevel: undefined }
    this.#introduce()
  }

  get #canAskForRoots(): boolean {
    return this.#services.asksForRoots && this.#conversation.speaker?.caller.capabilities.roots !== undefined
  }

  async #refreshRoots(): Promise<void> {
    await this.front.opened()
    const { line } = this
    if (line?.isOpen !== true) return
    const question = rootsQuestion()
    await line.roots.refresh(
      async () => question.read(await line.ask(question.method, question.params, undefined)),
      (roots) => this.#face?.emit('rootsChanged', { roots }),
      (error) => {
        if (!this.#isClosed) this.report(error)
      },
    )
  }

  /** Nothing is pushed before the client says it is ready (2025, basic/lifecycle), nor where nobody listens. */
  #flush(): void {
    this.#front?.changed()
    if (!this.#isReady || this.#push === undefined) return
    for (const method of this.#pendingLists ?? []) void this.#push.send(encodeNotification(method))
    this.#pendingLists = undefined
    for (const uri of this.#pendingResources ?? [])
      void this.#push.send(encodeNotification('notifications/resources/updated', { uri }))
    this.#pendingResources = undefined
  }
}

/** What still comes over a connection whose session was closed. */
function refuseAsOver(payload: unknown, reply: Reply): void {
  const incoming = readMessage(payload)
  if (incoming.kind === 'request')
    reply.end(encodeError(incoming.message.id, invalidRequest('The session has ended')), 404)
  else reply.accept()
}
