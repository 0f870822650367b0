import { ServerClient } from './client/server-client.js'
import {
  connectorTo,
  type Connector,
  type ProcessTarget,
  type ServerTarget,
  type TargetDefaults,
  type UrlTarget,
} from './client/target.js'
import type { Composition } from './composition.js'
import type { FastMCPOptions, Settings } from './options.js'
import { ownHandlersOf } from './proxy/own-handlers.js'
import { RemoteProvider, type ReplicaPolicy } from './proxy/remote-provider.js'
import type { UpstreamConfig, UpstreamOptions } from './proxy/upstream-options.js'
import type { Change } from './providers/changes.js'
import type { Proxied } from './sessions/server-introducer.js'
import type { Sessions } from './sessions/sessions.js'
import { serveTransport } from './transports/connection.js'
import type { Transport } from './transports/transport.js'
import type { Logger } from './runtime/logger.js'

/** Several servers, each by the key that its names are prefixed with. */
export interface ServersConfig {
  readonly mcpServers: Readonly<Record<string, ServerConfig>>
}

/** A server as configuration files know it. */
export type ServerConfig = (UrlTarget | ProcessTarget) & Pick<UpstreamOptions, 'era' | 'timeoutMs'>

/** Several servers that are alike, of which any will do. */
export interface ReplicasConfig {
  readonly replicas: readonly (string | URL | UrlTarget)[]
  /** Which gets the next call. Default: `leastPending`. */
  readonly policy?: ReplicaPolicy | undefined
}

/** What a proxy can stand before: what a `Client` takes, or a `Client`, whose target and options it takes over. */
export type ProxyTarget = ServerTarget | ServersConfig | ReplicasConfig | ServerClient<never>

/** How a proxy speaks to what is behind it, and how it is served itself. */
export type ProxyOptions = UpstreamOptions &
  Partial<Omit<FastMCPOptions, 'auth'>> &
  Omit<TargetDefaults, 'headers'>

export function isServersConfig(target: object): target is ServersConfig {
  return 'mcpServers' in target && typeof target.mcpServers === 'object'
}

function isReplicas(target: object): target is ReplicasConfig {
  return 'replicas' in target && Array.isArray(target.replicas)
}

/** @throws TypeError for what is no server. */
export function remoteTo(
  target: Exclude<ProxyTarget, ServersConfig>,
  given: ProxyOptions & Pick<UpstreamConfig, 'subscribesToChanges' | 'forwardsIdentity'>,
  { name, version, logger }: { readonly name: string; readonly version: string; readonly logger: Logger },
): RemoteProvider {
  const client = target instanceof ServerClient ? target.options : {}
  const options = target instanceof ServerClient ? withOptionsOf(target, given) : given
  const info = { name: client.name ?? name, version: client.version ?? version }
  const ownHandlers = ownHandlersOf(client)
  const connectors = connectorsTo(target, options)
  const { policy = 'leastPending' } = typeof target === 'object' && isReplicas(target) ? target : {}
  return new RemoteProvider(
    name,
    (shared) => {
      const settings = connectors.map((connector, at) => ({
        ...options,
        ...shared,
        name: connectors.length === 1 ? name : `${name}#${at + 1}`,
        connector,
        info,
        ownHandlers,
        onChange: (change: Change) => {
          shared.onChange(change)
          if (change.type === 'listChanged') ownHandlers?.listChanged(change.kind)
        },
        onWarning: (problem: string, error?: unknown) => {
          logger.warn(problem, ...(error === undefined ? [] : [error]))
          ownHandlers?.warn(problem, error)
        },
      }))
      const [first, ...rest] = settings
      if (first === undefined) throw new TypeError('There must be at least one replica')
      return [first, ...rest]
    },
    policy,
    (problem, error) => {
      logger.warn(problem, error)
    },
  )
}

function connectorsTo(
  target: Exclude<ProxyTarget, ServersConfig>,
  options: ProxyOptions,
): readonly Connector[] {
  const http = targetDefaults(options)
  if (target instanceof ServerClient) return [connectorTo(target.target, { ...http, ...target.options })]
  if (typeof target === 'object' && isReplicas(target))
    return target.replicas.map((replica) => connectorTo(replica, http))
  return [connectorTo(target, http)]
}

/** What a client was given holds for the proxy that is made of it, unless the proxy was given something else. */
function withOptionsOf<Options extends ProxyOptions>(client: ServerClient<never>, options: Options): Options {
  const { era, timeoutMs, connectTimeoutMs } = client.options
  return {
    ...options,
    era: options.era ?? era,
    timeoutMs: options.timeoutMs ?? timeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMs,
  }
}

/** The options of a proxy that say how its upstreams are reached. `headers` are computed for each caller instead. */
function targetDefaults(options: ProxyOptions): TargetDefaults {
  const { auth, fetch, dispatcher, proxy, tls, maxSockets, maxMessageBytes, connectTimeoutMs } = options
  return { auth, fetch, dispatcher, proxy, tls, maxSockets, maxMessageBytes, connectTimeoutMs }
}

/** Returns how a proxy of one server introduces itself, and whether it passes on requests of extensions. */
export function proxied(
  server: RemoteProvider,
  { name, version, title, description, websiteUrl, icons, instructions }: ProxyOptions,
  composition: Pick<Composition, 'isSole' | 'isRestricted'>,
  { authenticator }: Pick<Settings, 'authenticator'>,
): Proxied {
  const isSole = (): boolean => composition.isSole(server)
  return {
    server,
    given: { name, version, title, description, websiteUrl, icons: icons && [...icons], instructions },
    isSole,
    isTransparent: () => isSole() && !composition.isRestricted && authenticator === undefined,
  }
}

/** Returns a provider of a server's components that runs them in sessions of that server. */
export function isolated(
  sessions: Sessions,
  settings: Pick<Settings, 'name' | 'logger'> & { readonly version: string },
): RemoteProvider {
  const connect = (transport: Transport): Promise<unknown> => serveTransport(transport, sessions)
  const options = {
    timeoutMs: Infinity,
    maxConcurrency: Infinity,
    subscribesToChanges: false,
    forwardsIdentity: true,
  }
  return remoteTo({ connect }, options, settings)
}

/** How a server is named that was given no name. */
export function nameOf(target: ProxyTarget): string {
  if (target instanceof ServerClient) return nameOf(target.target)
  if (typeof target === 'string' && !/^https?:/i.test(target)) return target.replace(/^.*[\\/]/, '')
  const url =
    typeof target === 'string' || target instanceof URL ? target : 'url' in target ? target.url : undefined
  if (url !== undefined && URL.canParse(url)) return new URL(url).host
  return 'command' in (target as object)
    ? (target as ProcessTarget).command.replace(/^.*[\\/]/, '')
    : 'upstream'
}
