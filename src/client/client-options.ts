import type {
  CreateMessageResult,
  ElicitResult,
  ModelPreferences,
  SamplingMessage,
  SamplingTool,
} from '../protocol/client-types.js'
import type { EraName } from '../protocol/era.js'
import type { Progress } from '../components/context.js'
import type { ClientCapabilities, JsonObject, LogLevel } from '../protocol/types.js'
import type { TargetDefaults } from './target.js'

/** What surrounds a question of the server. */
export interface QuestionContext {
  /** Fires when the answer is not wanted any more. */
  readonly signal: AbortSignal
}

/** What a server asks the user for (client/elicitation). */
export interface ElicitationRequest {
  /** A form to fill in, or a page to open. */
  readonly mode?: 'form' | 'url'
  readonly message: string
  /** The fields of the form. */
  readonly requestedSchema?: JsonObject
  readonly url?: string
  readonly elicitationId?: string
  readonly [member: string]: unknown
}

/** What a server asks a model for (client/sampling). */
export interface SamplingRequest {
  readonly messages: readonly SamplingMessage[]
  readonly maxTokens: number
  readonly systemPrompt?: string
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly modelPreferences?: ModelPreferences
  readonly tools?: readonly SamplingTool[]
  readonly [member: string]: unknown
}

/** A message of the server's log (server/utilities/logging). */
export interface LogMessage {
  readonly level: LogLevel
  readonly logger?: string
  readonly data: unknown
}

type Eventually<T> = T | Promise<T>

/** Folders and files that the server may work on: `file://` URIs, or paths. */
export type RootsOption = readonly string[] | ((context: QuestionContext) => Eventually<readonly string[]>)

/** How a client introduces itself, answers, and waits; and how it reaches servers whose targets say nothing else. */
export interface ClientOptions extends TargetDefaults {
  /** Default: `fastmesh`. */
  readonly name?: string | undefined
  /** Default: `0.0.0`. */
  readonly version?: string | undefined
  readonly roots?: RootsOption | undefined
  /** Gives what a model says; a text is short for an assistant's message. */
  readonly sampling?:
    | ((request: SamplingRequest, context: QuestionContext) => Eventually<CreateMessageResult | string>)
    | undefined
  /** Gives what the user did. Fields that were left out get the defaults of the form. */
  readonly elicitation?:
    ((request: ElicitationRequest, context: QuestionContext) => Eventually<ElicitResult>) | undefined
  readonly onLog?: ((message: LogMessage) => void) | undefined
  /** Told that there are other tools, resources or prompts now. */
  readonly onListChanged?: ((what: 'tools' | 'resources' | 'prompts') => void) | undefined
  /** Told of what makes no sense and was passed over, and of listeners that failed. */
  readonly onError?: ((error: Error) => void) | undefined
  /** Further capabilities to declare, such as `sampling.tools`. */
  readonly capabilities?: ClientCapabilities | undefined
  /** How long an answer is waited for, anew after each report of progress, in milliseconds. Default: 60,000. */
  readonly timeoutMs?: number | undefined
  /** Which revisions are spoken. Default: `auto`, the newest that the server speaks as well. */
  readonly era?: 'auto' | EraName | undefined
}

/** How one request is made. */
export interface RequestOptions {
  /** Calls it off. */
  readonly signal?: AbortSignal | undefined
  /** Default: that of the client. */
  readonly timeoutMs?: number | undefined
  /** Told how far the server has come, if it says so. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Goes out as `_meta`. */
  readonly meta?: Record<string, unknown> | undefined
}
