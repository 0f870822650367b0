import { invalidRequest } from '../errors.js'
import { claimsOwnRevision } from '../protocol/era.js'
import {
  encodeError,
  encodeNotification,
  readMessage,
  type JsonRpcNotification,
} from '../protocol/json-rpc.js'
import { BatchReply } from './batch-reply.js'
import type { Audience, Changes } from './change-notifier.js'
import { Conversation } from './conversation.js'
import { Requests } from './requests.js'
import type { Services } from './services.js'
import type { HttpFacts, Push, Reply } from './sinks.js'

/** How many messages a batch may hold. */
const MAX_BATCH = 100

/**
 * One client's conversation with the server. Over HTTP that is a session of 2024-11-05 to
 * 2025-11-25; a connection that lasts, such as stdio, is one whichever era its client speaks.
 */
export class Session implements Audience {
  /** The `Mcp-Session-Id` over HTTP; `undefined` where a connection is the session. */
  readonly id: string | undefined
  readonly #services: Services
  readonly #conversation: Conversation
  readonly #requests: Requests
  readonly #pendingLists = new Set<string>()
  readonly #pendingResources = new Set<string>()
  #push: Push | undefined
  #isReady = false
  #isClosed = false
  /** When a message last came in or went out, by the clock of `Date.now()`. */
  lastActive: number = Date.now()

  constructor(services: Services, options: { id?: string | undefined; push?: Push | undefined } = {}) {
    this.id = options.id
    this.#services = services
    this.#push = options.push
    this.#conversation = new Conversation(services.identity)
    this.#requests = new Requests(services)
    this.#requests.onEnd = () => {
      this.lastActive = Date.now()
    }
  }

  /** Whether `initialize` has been answered. */
  get isOpen(): boolean {
    return this.#conversation.speaker !== undefined
  }

  /** Whether nothing runs and nobody listens. */
  get isIdle(): boolean {
    return this.#requests.size === 0 && this.#push === undefined
  }

  /** Whether there is a place for messages that answer no request. */
  get isListening(): boolean {
    return this.#push !== undefined
  }

  /** Give messages that answer no request a place to go; gives what takes it away again. */
  attach(push: Push): () => void {
    this.#push = push
    this.#flush()
    return () => {
      if (this.#push !== push) return
      this.#push = undefined
      this.lastActive = Date.now()
    }
  }

  /** Handle what came in, one message or a batch. All that answers it goes to `reply`. */
  receive(payload: unknown, reply: Reply, http?: HttpFacts): void {
    this.lastActive = Date.now()
    if (Array.isArray(payload)) this.#receiveBatch(payload, reply, http)
    else this.#receiveOne(payload, reply, http)
  }

  changed(changes: Changes): void {
    for (const method of changes.lists) this.#pendingLists.add(method)
    for (const uri of changes.resources)
      if (this.#conversation.subscriptions.has(uri)) this.#pendingResources.add(uri)
    this.#flush()
  }

  /** Call off everything that runs. */
  cancelAll(reason: string): void {
    this.#requests.cancelAll(reason)
  }

  /** End it: what runs is called off, what is open is closed. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#services.changes.delete(this)
    this.cancelAll('the session has ended')
    const push = this.#push
    this.#push = undefined
    push?.close()
  }

  #receiveOne(payload: unknown, reply: Reply, http: HttpFacts | undefined): void {
    const incoming = readMessage(payload)
    switch (incoming.kind) {
      case 'request':
        if (claimsOwnRevision(incoming.message.params))
          this.#requests.answerAlone(incoming.message, reply, http)
        else
          this.#requests.answerWithin(this.id, incoming.message, reply, http, this.#conversation.understand)
        return
      case 'notification':
        this.#notified(incoming.message)
        reply.accept()
        return
      case 'response':
        reply.accept()
        return
      case 'invalid':
        reply.end(encodeError(incoming.id, invalidRequest(`Invalid message: ${incoming.problem}`)), 400)
    }
  }

  /** Batches were part of the protocol up to 2025-03-26, and `initialize` never part of one. */
  #receiveBatch(payload: readonly unknown[], reply: Reply, http: HttpFacts | undefined): void {
    const refuse = (problem: string): void => {
      reply.end(encodeError(undefined, invalidRequest(problem)), 400)
    }
    const version = this.#conversation.speaker?.caller.protocolVersion
    if (version === undefined || version > '2025-03-26') {
      refuse('Batches are not part of this protocol revision')
      return
    }
    if (payload.length === 0 || payload.length > MAX_BATCH) {
      refuse(`A batch must hold 1 to ${MAX_BATCH} messages`)
      return
    }
    const batch = new BatchReply(reply)
    for (const message of payload) this.#receiveOne(message, batch.part(), http)
    batch.complete()
  }

  #notified({ method, params = {} }: JsonRpcNotification): void {
    const { requestId, reason } = params
    if (method === 'notifications/cancelled')
      this.#requests.cancel(requestId, typeof reason === 'string' ? reason : undefined)
    if (method !== 'notifications/initialized' || !this.isOpen || this.#isClosed) return
    this.#isReady = true
    this.#services.changes.add(this)
    this.#flush()
  }

  /** Nothing is pushed before the client says it is ready (2025, basic/lifecycle), nor where nobody listens. */
  #flush(): void {
    if (!this.#isReady || this.#push === undefined) return
    for (const method of this.#pendingLists) void this.#push.send(encodeNotification(method))
    this.#pendingLists.clear()
    for (const uri of this.#pendingResources)
      void this.#push.send(encodeNotification('notifications/resources/updated', { uri }))
    this.#pendingResources.clear()
  }
}
