import type { Caller } from '../components/context.js'
import { invalidRequest, methodNotFound, OverloadedError, ProtocolError } from '../errors.js'
import type { Era } from '../protocol/era.js'
import { encodeError, encodeResponse, type JsonRpcRequest } from '../protocol/json-rpc.js'
import type { LogLevel } from '../protocol/types.js'
import { andThen, type Eventually } from '../providers/provider.js'
import type { Understood } from './conversation.js'
import { EarlyCancellations } from './early-cancellations.js'
import { discover, readEnvelope } from './envelope.js'
import { ASKING_METHODS, Exchange, internalError, type ExchangeSession } from './exchange.js'
import { Listen } from './listen.js'
import { askByPushing } from './pushed-questions.js'
import { askByReplaying } from './replayed-questions.js'
import { RequestCaller } from './request-caller.js'
import { RequestContext } from './request-context.js'
import type { Services } from './services.js'
import type { RequestFacts, Reply } from './sinks.js'

/** How many requests of one client may be running at once. */
const MAX_IN_FLIGHT = 1000

/** Who speaks within a conversation, and what was agreed there. */
export interface Speaker {
  readonly caller: Caller
  readonly logLevel: LogLevel
}

/** The requests of one client that are being answered. */
export class Requests {
  readonly #services: Services
  readonly #connectionId: string | undefined
  readonly #inFlight: Exchange[] = []
  /** There where requests come within a session. */
  #early: EarlyCancellations | undefined
  /** Called whenever one is over. */
  onEnd: (() => void) | undefined

  /** `connectionId` identifies the connection of one client, whose requests alone come here. */
  constructor(services: Services, connectionId?: string) {
    this.#services = services
    this.#connectionId = connectionId
  }

  get size(): number {
    return this.#inFlight.length
  }

  /** Answer a request that brings all that is needed to answer it (2026-07-28). */
  answerAlone(
    request: JsonRpcRequest,
    reply: Reply,
    facts: RequestFacts | undefined,
    onSpeaker?: (speaker: { caller: Caller; logLevel: LogLevel | undefined }) => void,
  ): void {
    const era = this.#services.eras['2026-07-28']
    try {
      this.#admit(request, era)
      const { caller, logLevel } = readEnvelope(request.params ?? {}, this.#connectionId)
      onSpeaker?.({ caller, logLevel })
      if (request.method === 'server/discover') {
        const introduced = this.#services.introducer.introduce(callerOf(caller, facts))
        void andThen(introduced, (told) => {
          const text = era.encodeResult(request.method, discover(told, told.instructions), {
            serverInfo: told.info,
          })
          reply.end(encodeResponse(request.id, text))
        })
        return
      }
      const exchange = this.#begin({
        request,
        era,
        caller: callerOf(caller, facts),
        reply,
        session: undefined,
        asks: askByReplaying,
        facts,
        logging: { logLevel },
      })
      if (request.method === 'subscriptions/listen') this.#listen(exchange)
      else if (isResumed(request)) void this.#resume(exchange)
      else this.#route(exchange)
    } catch (error) {
      this.#refuse(request, reply, era, error)
    }
  }

  /** Answer a request that is understood by what was said before (2024-11-05 to 2025-11-25). */
  answerWithin(
    session: ExchangeSession | undefined,
    request: JsonRpcRequest,
    reply: Reply,
    facts: RequestFacts | undefined,
    /** Gives who speaks, or the result of a request that is about the conversation itself. */
    understand: (request: JsonRpcRequest) => Understood | Speaker,
  ): void {
    const era = this.#services.eras['2025-11-25']
    this.#early ??= new EarlyCancellations()
    try {
      this.#admit(request, era)
      const understood = understand(request)
      if ('result' in understood) answerOnce(request, reply, era, understood.result)
      else {
        const { caller } = understood
        this.#route(
          this.#begin({
            request,
            era,
            caller: callerOf(caller, facts),
            reply,
            session,
            asks: askByPushing,
            facts,
            logging: understood,
          }),
        )
      }
    } catch (error) {
      this.#refuse(request, reply, era, error)
    }
  }

  /** Call one off, if it is still running, or still to come. */
  cancel(id: unknown, reason: string | undefined): void {
    const exchange = this.#find(id)
    if (exchange !== undefined) exchange.cancel(reason)
    else this.#early?.note(id)
  }

  /** Call all of them off. */
  cancelAll(reason: string): void {
    for (const exchange of [...this.#inFlight]) exchange.cancel(reason)
  }

  #find(id: unknown): Exchange | undefined {
    return this.#inFlight.find((exchange) => exchange.start.request.id === id)
  }

  #admit({ id, method }: JsonRpcRequest, era: Era): void {
    if (!era.methods.has(method) && !this.#services.passesUnknown(method)) throw methodNotFound(method)
    // Who only listens takes no part in the work.
    this.#services.running.admit(this.#services.changes.listeners)
    if (this.#find(id) !== undefined)
      throw invalidRequest(`A request with the id ${JSON.stringify(id)} is running already`)
    if (this.#inFlight.length >= MAX_IN_FLIGHT)
      throw invalidRequest(`No more than ${MAX_IN_FLIGHT} requests at once`)
  }

  #begin(start: ConstructorParameters<typeof Exchange>[0]): Exchange {
    const exchange = new Exchange(start, this.#services, this.#onEnd)
    this.#inFlight.push(exchange)
    if (this.#early?.take(start.request.id) === true) exchange.cancel()
    return exchange
  }

  readonly #onEnd = (exchange: Exchange): void => {
    this.#inFlight.splice(this.#inFlight.indexOf(exchange), 1)
    this.#early?.ended(exchange.start.request.id)
    this.onEnd?.()
  }

  #route(exchange: Exchange): void {
    if (exchange.isOver) return
    const { router, access } = this.#services
    const { request, caller, era } = exchange.start
    const context = new RequestContext(exchange, this.#services)
    const fail = (error: unknown): void => {
      if (!exchange.isPutOff) exchange.fail(error)
    }
    try {
      const call = { caller, context, era, client: exchange, access }
      router.route(request.method, request.params ?? {}, call).then((result) => {
        if (!exchange.isPutOff) exchange.answer(result)
      }, fail)
    } catch (error) {
      fail(error)
    }
  }

  /** Go on with a call that was answered with questions. */
  async #resume(exchange: Exchange): Promise<void> {
    try {
      const resumed = await this.#services.states.open(exchange.start)
      exchange.askBy(askByReplaying(exchange, this.#services, resumed))
    } catch (error) {
      exchange.fail(error)
      return
    }
    this.#route(exchange)
  }

  #listen(exchange: Exchange): void {
    if (exchange.isOver) return
    try {
      new Listen(exchange, this.#services).begin()
    } catch (error) {
      exchange.fail(error)
    }
  }

  #refuse({ id, method }: JsonRpcRequest, reply: Reply, era: Era, error: unknown): void {
    const shown = era.error(
      error instanceof ProtocolError ? error : internalError(method, error, this.#services.logger),
    )
    const text = encodeError(id, shown)
    if (shown instanceof OverloadedError) reply.end(text, 503, { 'retry-after': '1' })
    else reply.end(text, era.httpStatus(shown))
  }
}

/** Answer what runs nothing of the server's, and cannot be called off. */
function answerOnce(
  { id, method }: JsonRpcRequest,
  reply: Reply,
  era: Era,
  result: Eventually<object>,
): void {
  void andThen(result, (given) => {
    reply.end(encodeResponse(id, era.encodeResult(method, given)))
  })
}

function callerOf(caller: Caller, facts: RequestFacts | undefined): Caller {
  return facts === undefined ? caller : new RequestCaller(caller, facts)
}

function isResumed({ method, params = {} }: JsonRpcRequest): boolean {
  if (params['requestState'] === undefined && params['inputResponses'] === undefined) return false
  return ASKING_METHODS.has(method)
}
