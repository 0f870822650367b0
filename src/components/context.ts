import type { Root } from '../protocol/client-types.js'
import type { EraName } from '../protocol/era.js'
import type {
  CallToolResult,
  ClientCapabilities,
  ContentBlock,
  GetPromptResult,
  Implementation,
  JsonObject,
  LogLevel,
  Meta,
  ReadResourceResult,
  RequestId,
} from '../protocol/types.js'
import type { ComponentKind } from '../protocol/kinds.js'
import type { CancelSignal } from '../runtime/cancellation.js'
import type { Component } from './component.js'
import type { InputResponses } from './input-required.js'
import type { Elicit, Question, Sampled, SampleRequest } from './questions.js'

/** Who is asking: told once by `initialize`, or by each request from 2026-07-28 on. */
export interface Caller {
  /** The client's own words; not verified, and absent where a 2026-07-28 client keeps them to itself. */
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
  readonly protocolVersion: string
  readonly era: EraName
  /** What `authenticate` gave for the request. */
  readonly auth?: unknown
  /** The same for requests of the same caller only; nothing where nobody is asked who he is. */
  readonly principal?: string | undefined
  /** What let him in, where that knows of scopes more than their names. */
  readonly scheme?: { readonly missingScopes: MissingScopes } | undefined
  /** The HTTP headers of the request, lower-case, without those that carry secrets; `undefined` where there is no HTTP. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The `Via` of the request: the proxies it has come through. */
  readonly via?: string | undefined
  /** What the request is part of; nothing from 2026-07-28 on. */
  readonly conversation?: RelaySession | undefined
  /** Identifies the connection of the request, where every request that comes over it is of this one client. */
  readonly connectionId?: string | undefined
}

/** Those of some scopes that somebody has not been granted. */
export type MissingScopes<Auth = unknown> = (auth: Auth, required: readonly string[]) => readonly string[]

/** The client as a handler sees it. */
export interface ClientFacts {
  readonly name: string | undefined
  readonly version: string | undefined
  readonly capabilities: ClientCapabilities
  /** The revision spoken with this client. */
  readonly protocolVersion: string
  /** The span of revisions that speak like it. */
  readonly era: EraName
}

/** One message to the client's log at a time, each below the level it asked for being dropped. */
export interface ContextLog {
  debug(message: string, data?: unknown): void
  info(message: string, data?: unknown): void
  warn(message: string, data?: unknown): void
  error(message: string, data?: unknown): void
}

/** How far a run has come. */
export interface Progress {
  /** Must rise from one report to the next; what does not rise is dropped. */
  progress: number
  /** Where `progress` will be at the end, if known. */
  total?: number | undefined
  message?: string | undefined
}

/** What a session remembers between calls; from 2026-07-28 on, what a request remembers while it lasts. */
export interface ContextState {
  get(key: string): unknown
  set(key: string, value: unknown): void
  /** Gives whether there was one. */
  delete(key: string): boolean
}

/** Who asks and how to talk back: the second argument of every handler. May be destructured. */
export interface Context<Auth = unknown> {
  /** What `authenticate` returned. */
  readonly session: Auth
  readonly requestId: RequestId
  /** The `Mcp-Session-Id`, or what stands for it elsewhere; `undefined` from 2026-07-28 on. */
  readonly sessionId: string | undefined
  readonly client: ClientFacts
  /** The HTTP headers, lower-case, without those that carry secrets; `undefined` where there is no HTTP. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** Fires when the client cancels or goes away, or the time is up. */
  readonly signal: AbortSignal
  readonly log: ContextLog

  /**
   * Tell the client how far this run has come. Nothing is sent where it did not ask to know.
   * Await it to be slowed down to what the client can take.
   */
  readonly reportProgress: (progress: Progress) => Promise<void>

  /**
   * Hand over a part of the result while the run goes on: as progress where it is text and the
   * client asked for progress, and as `notifications/tool/streamContent` to clients that declare
   * `experimental.streamContent`. A handler that returns nothing has all it streamed as its result.
   */
  readonly streamContent: (content: string | ContentBlock | readonly ContentBlock[]) => Promise<void>

  /**
   * Ask the user. Clients up to 2025-11-25 are asked while the run waits; for 2026-07-28 ones the
   * call is answered with the question, and the handler runs again from the top when it comes
   * back: do before only what may be done twice, or wrap it in `once`.
   * @throws ProtocolError -32021 for a client that did not declare it, `ClientAnswerError` for
   * an answer that does not fit, an error, or none within ten minutes.
   */
  readonly elicit: Elicit
  /** Ask the client's model, in the same way. */
  readonly sample: (request: SampleRequest) => Promise<Sampled>
  /** The client's roots, asked for in the same way where they are not known. */
  readonly listRoots: () => Promise<readonly Root[]>
  /** Run something in one round only; later rounds get the JSON it gave. It must not ask the client. */
  readonly once: <T>(key: string, run: () => T | Promise<T>) => Promise<T>
  /** What the client answered to the `inputRequired(…)` that this handler returned. */
  readonly inputResponses: InputResponses | undefined
  /** The `requestState` of that `inputRequired(…)`. */
  readonly requestState: unknown
  readonly state: ContextState
  /**
   * Let an HTTP client up to 2025-11-25 hang up for now: it comes back for the rest of this
   * answer. Does nothing elsewhere.
   */
  readonly closeStream: () => void

  /** Read a resource of the same server. */
  readonly readResource: (uri: string) => Promise<ReadResourceResult>
  /** Call a tool of the same server. What it throws is thrown here. */
  readonly callTool: (name: string, args?: Record<string, unknown>) => Promise<CallToolResult>
  /** Get a prompt of the same server. */
  readonly getPrompt: (name: string, args?: Record<string, string>) => Promise<GetPromptResult>
  /** Tell the subscribers of a resource that it has changed. */
  readonly notifyResourceUpdated: (uri: string) => void
}

/** The context of a completion, which also knows what the other arguments hold so far. */
export interface CompletionContext<Auth = unknown> extends Context<Auth> {
  readonly arguments: Readonly<Record<string, string>>
}

/** What a context can do with other components of the same server. */
export type Operations = Pick<Context, 'readResource' | 'callTool' | 'getPrompt'>

/** What the handlers of one server reach through their context: its own components, by its own names. */
export interface Scope {
  readonly provider: ComponentSource
  /** `sessionId`: the session that alone is told. */
  readonly notifyResourceUpdated: (uri: string, sessionId?: string) => void
}

/** Where components are found by name or URI. */
export interface ComponentSource {
  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Component<K> | undefined | Promise<Component<K> | undefined>
}

/** Gives the operations of a request as they run within a context that stands before its own, in a scope of its own. */
export const OPERATIONS: unique symbol = Symbol('operations')

/** What passes between a client and a server that runs on its behalf elsewhere, in the protocol's own words. */
export interface Relay {
  /** Who asks. */
  readonly caller: Caller
  /** Fires when the request is not wanted any more. */
  readonly signal: CancelSignal
  /** Ask the client. */
  ask(question: Question<JsonObject>): Promise<JsonObject>
  /**
   * Hand on a `notifications/message`, unless it is below the level that the client wants. `knowsLevel`: the server knows
   * the level, so that without one all that it sends is handed on.
   */
  tell(message: JsonObject, knowsLevel?: boolean): void
  /** Hand on streamed content, to a client that takes it otherwise than as progress. */
  stream(content: readonly ContentBlock[]): Promise<void>
  /** Hand on a report of progress. */
  report(progress: Progress): void
  /** Whether the client asked to be told of progress. */
  readonly wantsProgress: boolean
  /** The least severe log level that the client is sent, if any. */
  readonly logLevel: LogLevel | undefined
  /** What the request carries as `_meta` that is not the protocol's own. */
  readonly meta: Meta | undefined
  /** Whether the request has `arguments`. */
  readonly hasArguments: boolean
  /** Numbers what is run elsewhere on behalf of the request, in the same order each time it is run. */
  nextCallIndex(): number
  /** What an earlier round of the request remembered under a key (2026-07-28, basic/patterns/mrtr). */
  recall(key: string): unknown
  /** Have later rounds remember a JSON value, if there are any. */
  remember(key: string, value: unknown): void
  /** What the request is part of; nothing from 2026-07-28 on. */
  readonly session: RelaySession | undefined
}

/** A client's session, as connections to upstream servers use it. */
export interface RelaySession {
  readonly id: string
  /** Whether the client receives messages outside of calls now. */
  readonly isListening: boolean
  /** How many servers behind list other components to this session than to others. */
  ownLists: number
  /** Sends an input request outside of a call. */
  ask(question: Question<JsonObject>): Promise<JsonObject>
  /** The level that the client has set for log messages; `undefined` where it has not. */
  readonly level: LogLevel | undefined
  /** Sends a log message outside of a call, unless it is below the level that the client has set. */
  tell(message: JsonObject): void
  /** Sends a notification outside of a call. */
  notify(method: string, params: JsonObject): void
  /** Follows the session. Returns a function that ends that. */
  follow(follower: Follower): () => void
}

export interface Follower {
  /** Called when the session has ended. */
  ended(): void
  /** Called when the client has set a level for log messages. */
  levelChanged(level: LogLevel): void
  /** Called for each notification of the client that is not about a request or the session itself. */
  notified(method: string, params: JsonObject): void
}

/** Gives the relay of a request. */
export const RELAY: unique symbol = Symbol('relay')

/** What every context can do that is not for handlers. */
export interface InnerContext {
  [OPERATIONS](context: Context, scope?: Scope): Operations
  [RELAY](): Relay
}

export function relayOf(context: Context): Relay {
  return (context as Context & InnerContext)[RELAY]()
}

/** A context that stands before another, so that some of it can be replaced. */
export class ContextView implements Context, InnerContext {
  readonly #behind: Context

  constructor(behind: Context) {
    this.#behind = behind
  }

  get session(): unknown {
    return this.#behind.session
  }

  get requestId(): RequestId {
    return this.#behind.requestId
  }

  get sessionId(): string | undefined {
    return this.#behind.sessionId
  }

  get client(): ClientFacts {
    return this.#behind.client
  }

  get headers(): Context['headers'] {
    return this.#behind.headers
  }

  get signal(): AbortSignal {
    return this.#behind.signal
  }

  get log(): ContextLog {
    return this.#behind.log
  }

  get reportProgress(): Context['reportProgress'] {
    return this.#behind.reportProgress
  }

  get streamContent(): Context['streamContent'] {
    return this.#behind.streamContent
  }

  get elicit(): Context['elicit'] {
    return this.#behind.elicit
  }

  get sample(): Context['sample'] {
    return this.#behind.sample
  }

  get listRoots(): Context['listRoots'] {
    return this.#behind.listRoots
  }

  get once(): Context['once'] {
    return this.#behind.once
  }

  get inputResponses(): InputResponses | undefined {
    return this.#behind.inputResponses
  }

  get requestState(): unknown {
    return this.#behind.requestState
  }

  get state(): ContextState {
    return this.#behind.state
  }

  get closeStream(): Context['closeStream'] {
    return this.#behind.closeStream
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

  [OPERATIONS](context: Context, scope?: Scope): Operations {
    return (this.#behind as Context & InnerContext)[OPERATIONS](context, scope)
  }

  [RELAY](): Relay {
    return (this.#behind as Context & InnerContext)[RELAY]()
  }

  get notifyResourceUpdated(): Context['notifyResourceUpdated'] {
    return this.#behind.notifyResourceUpdated
  }
}
