/**
 * Model Context Protocol servers in a few lines.
 *
 * @module
 */
export { FastMCP, type ToolTypes } from './fast-mcp.js'
export type {
  EmbeddedOptions,
  FastMCPOptions,
  HttpAppOptions,
  HttpServing,
  HttpStreamOptions,
  RootsOptions,
  Serving,
  StartOptions,
} from './options.js'

export { audio, embedded, image, resourceLink, type MediaSource } from './components/content.js'
export type { ArgumentConfig } from './components/arguments.js'
export type { Completion, Stop } from './components/component.js'
export type {
  ClientFacts,
  CompletionContext,
  Context,
  ContextLog,
  ContextState,
  Progress,
} from './components/context.js'
export {
  inputRequired,
  type InputRequired,
  type InputRequiredOptions,
  type InputResponse,
  type InputResponses,
} from './components/input-required.js'
export type {
  Elicit,
  ElicitAnswer,
  ElicitForm,
  ElicitUrl,
  Question,
  Sampled,
  SampleRequest,
} from './components/questions.js'
export type { PromptArguments, PromptConfig } from './components/prompt.js'
export type { ResourceConfig, ResourceFacts } from './components/resource.js'
export type { ResourceTemplateConfig, TemplateArguments } from './components/resource-template.js'
export type { PromptPart, PromptResult, PromptReturn, ResourcePart, ToolResult } from './components/result.js'
export type { Schema, SchemaInput, SchemaOutput, StandardSchema } from './components/standard-schema.js'
export type { ToolArguments, ToolConfig, ToolReturn } from './components/tool.js'

export {
  CancelledError,
  ClientAnswerError,
  ErrorCode,
  PromptError,
  ProtocolError,
  ResourceError,
  ResourceNotFoundError,
  TimeoutError,
  UserError,
  /** `UserError` under the name that users of Python's FastMCP know. */
  UserError as ToolError,
} from './errors.js'

export { inMemoryTransports } from './transports/in-memory.js'
export type { CorsOptions } from './transports/http/cors.js'
export type { EventStore } from './transports/http/event-store.js'
export type { HealthOptions, ReadyOptions, ServerStatus } from './transports/http/health.js'
export type { TlsOptions } from './transports/http/node.js'
export type { NodeHandler } from './transports/http/node-handler.js'
export type { Transport } from './transports/transport.js'

export type { CacheHint, EraName } from './protocol/era.js'
export type { OnDuplicate } from './providers/local.js'
export type { Selector } from './providers/visibility.js'
export type { Logger } from './runtime/logger.js'
export type {
  ClientSession,
  DisconnectReason,
  SessionEvents,
  TransportName,
} from './sessions/client-session.js'
export type { PingOptions } from './sessions/heartbeat.js'
export type { RequestStateOptions } from './sessions/request-state.js'
export type { ServerEvents } from './sessions/server-events.js'
export type { SessionLimits } from './sessions/sessions.js'
export type * from './protocol/client-types.js'
export type * from './protocol/types.js'
