import type { Caller } from '../components/context.js'
import {
  elicitation,
  missingCapabilities,
  sampling,
  type Elicit,
  type ElicitForm,
  type ElicitUrl,
  type Question,
  type Sampled,
  type SampleRequest,
} from '../components/questions.js'
import { ClientAnswerError, missingClientCapability } from '../errors.js'
import type { Root } from '../protocol/client-types.js'
import type { EraName } from '../protocol/era.js'
import type { ClientCapabilities, Implementation, LogLevel } from '../protocol/types.js'
import { Emitter } from '../runtime/emitter.js'
import type { Logger } from '../runtime/logger.js'
import type { ClientLine } from './client-line.js'

/** What carries a session: `custom` is a transport that was handed to `server.connect`. */
export type TransportName = 'stdio' | 'httpStream' | 'sse' | 'inMemory' | 'custom'

/** Why a session is over. */
export type DisconnectReason =
  | 'client ended the session'
  | 'connection closed'
  | 'idle timeout'
  | 'ping timeout'
  | 'closed by server'
  /** `authenticate` does not let its client in any more. */
  | 'refused'
  | 'server stopped'

/** How long a client may take to answer a ping, in milliseconds. */
const PING_TIMEOUT_MS = 30_000

/** What happens to a session while it lives. */
export interface SessionEvents {
  /** The client said that its roots have changed, and what they are now. */
  rootsChanged: { readonly roots: readonly Root[] }
  /** Something went wrong that belongs to no request. The session lives on. */
  error: { readonly error: unknown }
}

/** What stands behind a session as users see it. */
export interface SessionCore {
  readonly id: string
  readonly transport: TransportName
  /** Who speaks, and how much of the log it wants. */
  readonly speaker: { readonly caller: Caller; readonly logLevel: LogLevel | undefined } | undefined
  /** `undefined` where the client cannot be asked. */
  readonly line: ClientLine | undefined
  end(reason: DisconnectReason): void
}

/** One client's stay: from `connect` to `disconnect`. */
export class ClientSession {
  readonly #core: SessionCore
  readonly #caller: Caller
  readonly #logger: Logger
  #emitter: Emitter<SessionEvents> | undefined

  constructor(core: SessionCore, caller: Caller, logger: Logger) {
    this.#core = core
    this.#caller = caller
    this.#logger = logger
  }

  /** The `Mcp-Session-Id` over HTTP; over other transports an id of this server's own. */
  get id(): string {
    return this.#core.id
  }

  get transport(): TransportName {
    return this.#core.transport
  }

  /** The client's own words; not verified. */
  get clientInfo(): Implementation | undefined {
    return this.#caller.info
  }

  get clientCapabilities(): ClientCapabilities {
    return this.#caller.capabilities
  }

  /** The revision spoken with this client. */
  get protocolVersion(): string {
    return this.#caller.protocolVersion
  }

  /** The span of revisions that speak like it. */
  get era(): EraName {
    return this.#caller.era
  }

  /** As last told by the client; empty where it declares none, or from 2026-07-28 on: see `context.listRoots`. */
  get roots(): readonly Root[] {
    return this.#core.line?.roots.known ?? []
  }

  /** The least severe level that is sent; `undefined` where each request says so itself (2026-07-28). */
  get loggingLevel(): LogLevel | undefined {
    return this.#core.speaker?.logLevel
  }

  on<Name extends keyof SessionEvents>(name: Name, listener: (event: SessionEvents[Name]) => unknown): this {
    this.#emitter ??= new Emitter((event, error) => {
      this.#logger.error(`A listener of a session's '${event}' failed`, error)
    })
    this.#emitter.on(name, listener)
    return this
  }

  off<Name extends keyof SessionEvents>(name: Name, listener: (event: SessionEvents[Name]) => unknown): this {
    this.#emitter?.off(name, listener)
    return this
  }

  /** @internal */
  emit<Name extends keyof SessionEvents>(name: Name, event: SessionEvents[Name]): void {
    this.#emitter?.emit(name, event)
  }

  /**
   * See whether the client is still there: resolves when it answers (up to 2025-11-25).
   * @throws ClientAnswerError where it does not, or has no stream open.
   */
  async ping(): Promise<void> {
    await this.#line('ping').ping(PING_TIMEOUT_MS)
  }

  /** Ask the user outside of a call (up to 2025-11-25): see `context.elicit`. */
  readonly elicit: Elicit = ((options: ElicitForm | ElicitUrl) =>
    this.#ask(() => elicitation(options))) as Elicit

  /** Ask the client's model outside of a call (up to 2025-11-25): see `context.sample`. */
  sample(request: SampleRequest): Promise<Sampled> {
    return this.#ask(() => sampling(request))
  }

  /** End the session: what runs is called off. */
  close(): void {
    this.#core.end('closed by server')
  }

  async #ask<Answer>(make: () => Question<Answer>): Promise<Answer> {
    const question = make()
    const missing = missingCapabilities(question.requires, this.clientCapabilities)
    if (missing !== undefined) throw missingClientCapability(missing)
    return question.read(await this.#line(question.method).ask(question.method, question.params, undefined))
  }

  #line(method: string): ClientLine {
    const { line } = this.#core
    if (line === undefined)
      throw new ClientAnswerError(`This client cannot be sent ${method} outside of a call`)
    return line
  }
}
