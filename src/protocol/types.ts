/**
 * The shapes MCP puts on the wire, in the words of revision 2026-07-28, which older
 * revisions are subsets of. Only types: nothing here exists at run time.
 *
 * They are our own rather than inferred from the official package's Zod schemas, so that
 * a user's compiler never has to evaluate Zod to know what a tool is. A type test keeps
 * them assignable to and from the official ones.
 */

/** Any value that JSON can hold. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** A JSON object whose members are not known. */
export type JsonObject = Record<string, unknown>

/** What a JSON-RPC request is known by: unique among one client's requests in flight. */
export type RequestId = string | number

/** What a client wants its progress notifications to carry. */
export type ProgressToken = string | number

/** Free-form metadata. Keys below `io.modelcontextprotocol/` belong to the protocol. */
export type Meta = Record<string, unknown>

/** Who says a message in a prompt. */
export type Role = 'user' | 'assistant'

/** Severity of a log message, least severe first (RFC 5424). */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'

/** A picture that stands for a server or a component. */
export interface Icon {
  /** An `https:` or `data:` URI. */
  src: string
  mimeType?: string | undefined
  /** Such as `48x48`, or `any` for scalable formats. */
  sizes?: string[] | undefined
  theme?: 'light' | 'dark' | undefined
}

/** Hints on how to use or show a piece of content. */
export interface Annotations {
  audience?: Role[] | undefined
  /** From 0, least important, to 1, effectively required. */
  priority?: number | undefined
  /** ISO 8601. */
  lastModified?: string | undefined
}

/** Name and version of a client or a server. */
export interface Implementation {
  name: string
  version: string
  title?: string | undefined
  description?: string | undefined
  websiteUrl?: string | undefined
  icons?: Icon[] | undefined
}

/** What a client can be asked for. */
export interface ClientCapabilities {
  experimental?: { [key: string]: JsonObject } | undefined
  extensions?: { [key: string]: JsonObject } | undefined
  roots?: { listChanged?: boolean | undefined } | undefined
  sampling?: { context?: JsonObject | undefined; tools?: JsonObject | undefined } | undefined
  elicitation?: { form?: JsonObject | undefined; url?: JsonObject | undefined } | undefined
}

/** What a server offers. */
export interface ServerCapabilities {
  experimental?: { [key: string]: JsonObject } | undefined
  extensions?: { [key: string]: JsonObject } | undefined
  logging?: JsonObject | undefined
  completions?: JsonObject | undefined
  prompts?: { listChanged?: boolean | undefined } | undefined
  resources?: { subscribe?: boolean | undefined; listChanged?: boolean | undefined } | undefined
  tools?: { listChanged?: boolean | undefined } | undefined
}

export interface TextContent {
  type: 'text'
  text: string
  annotations?: Annotations | undefined
  _meta?: Meta | undefined
}

export interface ImageContent {
  type: 'image'
  /** Base64. */
  data: string
  mimeType: string
  annotations?: Annotations | undefined
  _meta?: Meta | undefined
}

export interface AudioContent {
  type: 'audio'
  /** Base64. */
  data: string
  mimeType: string
  annotations?: Annotations | undefined
  _meta?: Meta | undefined
}

export interface TextResourceContents {
  uri: string
  text: string
  mimeType?: string | undefined
  _meta?: Meta | undefined
}

export interface BlobResourceContents {
  uri: string
  /** Base64. */
  blob: string
  mimeType?: string | undefined
  _meta?: Meta | undefined
}

export type ResourceContents = TextResourceContents | BlobResourceContents

/** A resource inside a tool result or a prompt message. */
export interface EmbeddedResource {
  type: 'resource'
  resource: ResourceContents
  annotations?: Annotations | undefined
  _meta?: Meta | undefined
}

/** A resource that a client may read if it wants to (from 2025-06-18 on). */
export interface ResourceLink extends Resource {
  type: 'resource_link'
}

/** One piece of a tool result or of a prompt message. */
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource

/** A JSON Schema, 2020-12 unless its `$schema` says otherwise. */
export type JsonSchema = { [keyword: string]: unknown }

/** A JSON Schema whose root is an object. */
export type JsonObjectSchema = JsonSchema & { type: 'object' }

/** Hints about what a tool does. Clients treat them as untrusted. */
export interface ToolAnnotations {
  title?: string | undefined
  readOnlyHint?: boolean | undefined
  destructiveHint?: boolean | undefined
  idempotentHint?: boolean | undefined
  openWorldHint?: boolean | undefined
  /** The tool streams what it produces while it runs (an extension known from npm `fastmcp`). */
  streamingHint?: boolean | undefined
}

/** What a client sees of a tool in `tools/list`. */
export interface ToolDefinition {
  name: string
  title?: string | undefined
  description?: string | undefined
  inputSchema: JsonObjectSchema
  outputSchema?: JsonSchema | undefined
  annotations?: ToolAnnotations | undefined
  icons?: Icon[] | undefined
  _meta?: Meta | undefined
}

/** What a client sees of a resource in `resources/list`. */
export interface Resource {
  uri: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
  /** In bytes, before any encoding. */
  size?: number | undefined
  annotations?: Annotations | undefined
  icons?: Icon[] | undefined
  _meta?: Meta | undefined
}

/** What a client sees of a resource template in `resources/templates/list`. */
export interface ResourceTemplateDefinition {
  /** RFC 6570. */
  uriTemplate: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
  annotations?: Annotations | undefined
  icons?: Icon[] | undefined
  _meta?: Meta | undefined
}

export interface PromptArgumentDefinition {
  name: string
  title?: string | undefined
  description?: string | undefined
  required?: boolean | undefined
}

/** What a client sees of a prompt in `prompts/list`. */
export interface PromptDefinition {
  name: string
  title?: string | undefined
  description?: string | undefined
  arguments?: PromptArgumentDefinition[] | undefined
  icons?: Icon[] | undefined
  _meta?: Meta | undefined
}

export interface PromptMessage {
  role: Role
  content: ContentBlock
}

/** The answer to `tools/call`. */
export interface CallToolResult {
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean | undefined
  _meta?: Meta | undefined
}

/** The answer to `resources/read`. */
export interface ReadResourceResult {
  contents: ResourceContents[]
  _meta?: Meta | undefined
}

/** The answer to `prompts/get`. */
export interface GetPromptResult {
  description?: string | undefined
  messages: PromptMessage[]
  _meta?: Meta | undefined
}

/** The answer to `completion/complete`. */
export interface CompleteResult {
  completion: {
    /** At most 100. */
    values: string[]
    total?: number | undefined
    hasMore?: boolean | undefined
  }
}
