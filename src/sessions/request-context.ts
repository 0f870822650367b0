import type { ClientFacts, Context, ContextLog } from '../components/context.js'
import { toBlocks } from '../components/result.js'
import { isAtLeast } from '../protocol/log-levels.js'
import type { ContentBlock, LogLevel, RequestId } from '../protocol/types.js'
import type { Call } from '../router/router.js'
import type { Exchange } from './exchange.js'
import type { Services } from './services.js'

/** By how much streamed text moves progress on: too little to get before a later report of the handler's own. */
const STREAM_STEP = 1e-6

/** Headers that no handler needs and no log should hold. */
const SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'])

/** The context of one request. What is read is bound then, so that it may be destructured. */
export class RequestContext implements Context {
  readonly #exchange: Exchange
  readonly #services: Services
  #progress = -Infinity
  #total: number | undefined
  #headers: Readonly<Record<string, string>> | undefined

  constructor(exchange: Exchange, services: Services) {
    this.#exchange = exchange
    this.#services = services
  }

  get session(): unknown {
    return undefined
  }

  get requestId(): RequestId {
    return this.#exchange.start.request.id
  }

  get sessionId(): string | undefined {
    return this.#exchange.start.sessionId
  }

  get client(): ClientFacts {
    const { info, capabilities, protocolVersion, era } = this.#exchange.start.caller
    return { name: info?.name, version: info?.version, capabilities, protocolVersion, era }
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    const { http } = this.#exchange.start
    if (http === undefined) return undefined
    return (this.#headers ??= Object.fromEntries(
      Object.entries(http.headers).filter(([name]) => !SENSITIVE.has(name)),
    ))
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  get log(): ContextLog {
    const write =
      (level: LogLevel) =>
      (message: string, context?: unknown): void => {
        this.#log(level, context === undefined ? { message } : { message, context })
      }
    return { debug: write('debug'), info: write('info'), warn: write('warning'), error: write('error') }
  }

  get reportProgress(): Context['reportProgress'] {
    return async ({ progress, total, message }) => {
      if (!Number.isFinite(progress)) throw new TypeError(`progress must be a number, not ${progress}`)
      if (progress <= this.#progress) return
      this.#progress = progress
      this.#total = total ?? this.#total
      await this.#sendProgress(message)
    }
  }

  get streamContent(): Context['streamContent'] {
    return async (content) => {
      for (const block of toBlocks(content)) await this.#stream(block)
    }
  }

  get readResource(): Context['readResource'] {
    return (uri) => this.#services.router.readResource(uri, this.#call)
  }

  get callTool(): Context['callTool'] {
    return (name, args = {}) => this.#services.router.callTool(name, args, this.#call)
  }

  get getPrompt(): Context['getPrompt'] {
    return (name, args = {}) => this.#services.router.getPrompt(name, args, this.#call)
  }

  get notifyResourceUpdated(): Context['notifyResourceUpdated'] {
    return (uri) => {
      this.#services.notifyResourceUpdated(uri)
    }
  }

  /** The same request going on to another component. */
  get #call(): Call {
    const { caller, era } = this.#exchange.start
    return { caller, era, context: this }
  }

  #log(level: LogLevel, data: object): void {
    const threshold = this.#exchange.start.logging.logLevel
    if (threshold === undefined || !isAtLeast(level, threshold)) return
    void this.#exchange.notify('notifications/message', { level, data })
  }

  #sendProgress(message: string | undefined): void | Promise<void> {
    const { progressToken } = this.#exchange
    if (progressToken === undefined) return
    const [progress, total] = [this.#progress, this.#total]
    return this.#exchange.notify('notifications/progress', { progressToken, progress, total, message })
  }

  async #stream(block: ContentBlock): Promise<void> {
    if (block.type === 'text' && this.#exchange.progressToken !== undefined) {
      this.#progress = Math.max(this.#progress, 0) + STREAM_STEP
      await this.#sendProgress(block.text)
    }
    const { caller, request, era } = this.#exchange.start
    if (!era.hasOwnNotifications || caller.capabilities.experimental?.['streamContent'] === undefined) return
    const toolName = request.params?.['name']
    await this.#exchange.notify('notifications/tool/streamContent', { content: [block], toolName })
  }
}
