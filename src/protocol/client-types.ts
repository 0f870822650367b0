/**
 * The shapes of what a server asks of a client, and of what it is answered: elicitation,
 * sampling and roots, in the words of revision 2026-07-28.
 */
import type {
  AudioContent,
  ContentBlock,
  ImageContent,
  JsonObject,
  Meta,
  Role,
  TextContent,
} from './types.js'

/** A folder or file that the client lets the server work on (client/roots). */
export interface Root {
  /** A `file://` URI. */
  uri: string
  name?: string | undefined
  _meta?: Meta | undefined
}

/** The answer to `roots/list`. */
export interface ListRootsResult {
  roots: Root[]
  _meta?: Meta | undefined
}

/** A model's wish to have a tool run (client/sampling, from 2025-11-25 on). */
export interface ToolUseContent {
  type: 'tool_use'
  id: string
  name: string
  input: JsonObject
  _meta?: Meta | undefined
}

/** What the tool that a model wanted to have run gave. */
export interface ToolResultContent {
  type: 'tool_result'
  toolUseId: string
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean | undefined
  _meta?: Meta | undefined
}

/** One piece of a message to or from a client's model. */
export type SamplingContent = TextContent | ImageContent | AudioContent | ToolUseContent | ToolResultContent

/** A message to a client's model. */
export interface SamplingMessage {
  role: Role
  content: SamplingContent | SamplingContent[]
  _meta?: Meta | undefined
}

/** Which model a client should take: what matters how much, from 0 to 1, and what it may be called. */
export interface ModelPreferences {
  hints?: { name?: string | undefined }[] | undefined
  costPriority?: number | undefined
  speedPriority?: number | undefined
  intelligencePriority?: number | undefined
}

/** What a client's model may use (from 2025-11-25 on). */
export interface SamplingTool {
  name: string
  title?: string | undefined
  description?: string | undefined
  inputSchema: JsonObject & { type: 'object' }
}

/** The answer to `sampling/createMessage`. */
export interface CreateMessageResult {
  role: Role
  content: SamplingContent | SamplingContent[]
  /** The name of the model that was asked. */
  model: string
  stopReason?: string | undefined
  _meta?: Meta | undefined
}

/** The answer to `elicitation/create`. */
export interface ElicitResult {
  action: 'accept' | 'decline' | 'cancel'
  /** What was filled in; only with `accept`, and only of a form. */
  content?: Record<string, string | number | boolean | string[]> | undefined
  _meta?: Meta | undefined
}

/** The methods by which a client can be asked. */
export type AskingMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
