/**
 * Model Context Protocol servers in a few lines.
 *
 * @module
 */
export { FastMCP, type ToolTypes } from './fast-mcp.js'
export { Client, type ClientTarget } from './client.js'
export type {
  ClientOptions,
  ElicitationRequest,
  LogMessage,
  QuestionContext,
  RequestOptions,
  RootsOption,
  SamplingRequest,
} from './client/client-options.js'
export type { AuthorizationResponse, AuthProvider } from './client/http/oauth.js'
export type {
  ClientTlsOptions,
  ConnectionSettings,
  HttpDispatcher,
} from './client/http/connection-settings.js'
export type { HttpTransportOptions, OwnHeaders } from './client/http/endpoint-client.js'
export type { Fetch } from './client/http/http-client.js'
export { SSETransport } from './client/transports/sse-transport.js'
export { StreamableHTTPTransport } from './client/transports/streamable-http-transport.js'
export type { ToolCallResult } from './client/results.js'
export type { CallOptions, CompletionRequest } from './client/server-client.js'
export {
  NpxStdioTransport,
  StdioTransport,
  type NpxStdioTransportOptions,
  type StdioTransportOptions,
} from './client/transports/stdio-transport.js'
export type {
  InProcessServer,
  ProcessTarget,
  ServerTarget,
  TargetDefaults,
  UrlTarget,
} from './client/target.js'
export type { PromptInput, PromptName, ToolInput, ToolName, ToolOutput } from './client/typed.js'
export type { ProxyOptions, ProxyTarget, ReplicasConfig, ServerConfig, ServersConfig } from './proxy.js'
export type { AskedBy, UpstreamOptions } from './proxy/upstream-options.js'
export type { ReplicaPolicy } from './proxy/remote-provider.js'
export type {
  EmbeddedOptions,
  FastMCPOptions,
  HttpAppOptions,
  HttpServing,
  HttpStreamOptions,
  MountOptions,
  RootsOptions,
  Serving,
  StartOptions,
} from './options.js'

export { safePath, UnsafePathError } from './components/safe-path.js'
export type { AuthScheme } from './sessions/auth-scheme.js'
export type { Authenticate, AuthRequest, RequestHeaders } from './sessions/authenticator.js'
export { audio, embedded, image, resourceLink, type MediaSource } from './components/content.js'
export type { ArgumentConfig } from './components/arguments.js'
export type { Completion, Component, Stop, Watch } from './components/component.js'
export type {
  Caller,
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
export { definePrompt, type PromptArguments, type PromptConfig } from './components/prompt.js'
export { defineResource, type ResourceConfig, type ResourceFacts } from './components/resource.js'
export {
  defineResourceTemplates,
  type ResourceTemplateConfig,
  type TemplateArguments,
} from './components/resource-template.js'
export type { PromptPart, PromptResult, PromptReturn, ResourcePart, ToolResult } from './components/result.js'
export type { Schema, SchemaInput, SchemaOutput, StandardSchema } from './components/standard-schema.js'
export { defineTool, type ToolArguments, type ToolConfig, type ToolReturn } from './components/tool.js'

export {
  CancelledError,
  ClientAnswerError,
  ConnectionError,
  ErrorCode,
  HttpStatusError,
  MessageTooLongError,
  PromptError,
  ProtocolError,
  RequestTimeoutError,
  ResourceError,
  ResourceNotFoundError,
  TimeoutError,
  ToolCallError,
  UnauthorizedError,
  UserError,
  /** `UserError` under the name that users of Python's FastMCP know. */
  UserError as ToolError,
} from './errors.js'

export { inMemoryTransports } from './transports/in-memory.js'
export type { CorsOptions } from './transports/http/cors.js'
export type { EventStore } from './transports/http/event-store.js'
export type { HealthOptions, MountStatus, ReadyOptions, ServerStatus } from './transports/http/health.js'
export type { TlsOptions } from './transports/http/node.js'
export type { NodeHandler } from './transports/http/node-handler.js'
export type { Transport } from './transports/transport.js'

export type { CacheHint, EraName } from './protocol/era.js'
export type { ComponentKind, RunKind } from './protocol/kinds.js'
export { ChangeHub, type Change, type Unsubscribe } from './providers/changes.js'
export type { OnDuplicate } from './providers/local.js'
export type { Provider, UpstreamStatus } from './providers/provider.js'
export type {
  AnyRun,
  Middleware,
  MiddlewareOf,
  Next,
  Run,
  RunResult,
} from './providers/transforms/middleware.js'
export type {
  PromptChanges,
  ResourceChanges,
  See,
  Seeable,
  SeenChanges,
  SeenTable,
  ToolChanges,
} from './providers/transforms/reshape.js'
export type { ArgumentChanges } from './providers/transforms/tool-arguments.js'
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
