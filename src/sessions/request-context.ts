import {
  OPERATIONS,
  RELAY,
  type ClientFacts,
  type Context,
  type ContextLog,
  type ContextState,
  type InnerContext,
  type Operations,
  type Progress,
  type Relay,
  type Scope,
} from '../components/context.js'
import type { InputResponses } from '../components/input-required.js'
import {
  elicitation,
  sampling,
  type Elicit,
  type ElicitForm,
  type ElicitUrl,
  type Question,
} from '../components/questions.js'
import { toBlocks } from '../components/result.js'
import { operationsOn } from '../router/operations.js'
import { isAtLeast } from '../protocol/log-levels.js'
import type { ContentBlock, LogLevel, Meta, RequestId } from '../protocol/types.js'
import { Allowance } from '../runtime/allowance.js'
import type { Exchange } from './exchange.js'
import type { Services } from './services.js'

/** By how much streamed text moves progress on: too little to get before a later report of the handler's own. */
const STREAM_STEP = 1e-6

/** How many messages of the log, and reports of progress without a text, one request may send at once, and then a second. */
const MAX_MESSAGES = 50_000
const MESSAGES_PER_SECOND = 1000

/** How keys of `_meta` begin that belong to the protocol. */
const PROTOCOL_META = 'io.modelcontextprotocol/'

/** What a report gives that need not wait: the same for all, of which there may be many. */
const DONE = Promise.resolve()

/** The context of one request. What is read is bound then, so that it may be destructured. */
export class RequestContext implements Context, InnerContext {
  readonly #exchange: Exchange
  readonly #services: Services
  #progress = -Infinity
  #total: number | undefined
  #calls = 0
  #relay: Relay | undefined
  #allowed: Allowance | undefined

  constructor(exchange: Exchange, services: Services) {
    this.#exchange = exchange
    this.#services = services
  }

  get session(): unknown {
    return this.#exchange.start.caller.auth
  }

  get requestId(): RequestId {
    return this.#exchange.start.request.id
  }

  get sessionId(): string | undefined {
    return this.#exchange.start.session?.id
  }

  get client(): ClientFacts {
    const { info, capabilities, protocolVersion, era } = this.#exchange.start.caller
    return { name: info?.name, version: info?.version, capabilities, protocolVersion, era }
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    return this.#exchange.start.caller.headers
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  get log(): ContextLog {
    const write =
      (level: LogLevel) =>
      (message: string, context?: unknown): void => {
        this.#log(level, message, context)
      }
    return { debug: write('debug'), info: write('info'), warn: write('warning'), error: write('error') }
  }

  get reportProgress(): Context['reportProgress'] {
    return (progress) => {
      try {
        return this.#report(progress) ?? DONE
      } catch (error) {
        return handled(Promise.reject(error))
      }
    }
  }

  get streamContent(): Context['streamContent'] {
    return (content) => handled(this.#streamAll(toBlocks(content)))
  }

  get elicit(): Context['elicit'] {
    return ((options: ElicitForm | ElicitUrl) => this.#ask(() => elicitation(options))) as Elicit
  }

  get sample(): Context['sample'] {
    return (request) => this.#ask(() => sampling(request))
  }

  get listRoots(): Context['listRoots'] {
    return () => handled(this.#exchange.asker.listRoots())
  }

  get once(): Context['once'] {
    return (key, run) => handled(this.#exchange.asker.once(key, run))
  }

  get inputResponses(): InputResponses | undefined {
    return this.#exchange.asker.inputResponses
  }

  get requestState(): unknown {
    return this.#exchange.asker.requestState
  }

  get state(): ContextState {
    return this.#exchange.state
  }

  get closeStream(): Context['closeStream'] {
    return () => {
      this.#exchange.start.reply.hangUp?.()
    }
  }

  get readResource(): Context['readResource'] {
    return this[OPERATIONS](this).readResource
  }

  get callTool(): Context['callTool'] {
    return this[OPERATIONS](this).callTool
  }

  get getPrompt(): Context['getPrompt'] {
    return this[OPERATIONS](this).getPrompt
  }

  /** The same request going on to other components, within a context that may be narrower than this one. */
  [OPERATIONS](context: Context, { provider }: Scope = this.#services.scope): Operations {
    const { caller, era } = this.#exchange.start
    const { access } = this.#services
    return operationsOn(provider, { caller, era, context, client: this.#exchange, access })
  }

  [RELAY](): Relay {
    return (this.#relay ??= this.#makeRelay())
  }

  #makeRelay(): Relay {
    const { caller, logging, session, request } = this.#exchange.start
    return {
      caller,
      signal: this.#exchange.cancellation,
      ask: (question) => handled(this.#exchange.asker.ask(question)),
      tell: (message, knowsLevel = false) => {
        const isUnset = knowsLevel && session !== undefined && session.front.level === undefined
        if (isUnset || this.#isHeard(message['level'] as LogLevel))
          void this.#exchange.notify('notifications/message', message)
      },
      stream: (content) => this.#streamApart(content),
      report: (progress) => {
        this.reportProgress(progress).catch(() => undefined)
      },
      wantsProgress: this.#exchange.progressToken !== undefined,
      logLevel: logging.logLevel,
      meta: ownMeta(request.params?.['_meta'] as Meta | undefined),
      nextCallIndex: () => (this.#calls += 1),
      recall: (key) => this.#exchange.recall(key),
      remember: (key, value) => {
        this.#exchange.asker.memory.set(key, value)
      },
      session: session?.front,
      hasArguments: request.params?.['arguments'] !== undefined,
    }
  }

  get notifyResourceUpdated(): Context['notifyResourceUpdated'] {
    return (uri) => {
      this.#services.scope.notifyResourceUpdated(uri)
    }
  }

  get #allowance(): Allowance {
    return (this.#allowed ??= new Allowance(MAX_MESSAGES, MESSAGES_PER_SECOND))
  }

  /** Of several questions one may be awaited when another is called off. */
  #ask<Answer>(make: () => Question<Answer>): Promise<Answer> {
    const ask = async (): Promise<Answer> => this.#exchange.asker.ask(make())
    return handled(ask())
  }

  #log(level: LogLevel, message: string, context: unknown): void {
    if (!this.#isHeard(level) || !this.#allowance.take()) return
    const told = context instanceof Error ? { name: context.name, message: context.message } : context
    try {
      void this.#exchange.notify('notifications/message', { level, data: { message, context: told } })
    } catch {
      // What JSON cannot hold is no reason for a tool to fail.
      void this.#exchange.notify('notifications/message', { level, data: { message } })
    }
  }

  #isHeard(level: LogLevel): boolean {
    const threshold = this.#exchange.start.logging.logLevel
    return threshold !== undefined && isAtLeast(level, threshold)
  }

  #report({ progress, total, message }: Progress): void | Promise<void> {
    if (!Number.isFinite(progress)) throw new TypeError(`progress must be a number, not ${progress}`)
    if (progress <= this.#progress) return
    this.#progress = progress
    this.#total = total ?? this.#total
    // What says nothing but how far it has come may be left out: the next says it again.
    if (message === undefined && progress !== this.#total && !this.#allowance.take()) return
    return this.#sendProgress(message)
  }

  async #streamAll(blocks: readonly ContentBlock[]): Promise<void> {
    for (const block of blocks) await this.#stream(block)
  }

  #sendProgress(message: string | undefined): void | Promise<void> {
    const { progressToken } = this.#exchange
    if (progressToken === undefined) return
    const [progress, total] = [this.#progress, this.#total]
    return this.#exchange.notify('notifications/progress', { progressToken, progress, total, message })
  }

  async #stream(block: ContentBlock): Promise<void> {
    if (block.type === 'text' && this.#exchange.progressToken !== undefined) {
      const reached = Math.max(this.#progress, 0)
      this.#progress = reached + Math.max(STREAM_STEP, 4 * Number.EPSILON * reached)
      await this.#sendProgress(block.text)
    }
    await this.#streamApart([block])
  }

  /** In a notification of its own, to clients that take it. */
  async #streamApart(content: readonly ContentBlock[]): Promise<void> {
    const { caller, request, era } = this.#exchange.start
    if (!era.hasOwnNotifications || caller.capabilities.experimental?.['streamContent'] === undefined) return
    const toolName = request.params?.['name']
    await this.#exchange.notify('notifications/tool/streamContent', { content, toolName })
  }
}

/** What of a request's `_meta` is meant for whoever answers it in the end. */
function ownMeta(meta: Meta | undefined): Meta | undefined {
  for (const key in meta)
    if (isOwn(key)) return Object.fromEntries(Object.entries(meta).filter(([name]) => isOwn(name)))
  return undefined
}

function isOwn(key: string): boolean {
  return key !== 'progressToken' && !key.startsWith(PROTOCOL_META)
}

/** A promise whose failure is no fault if nobody awaits it. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
