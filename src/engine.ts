import type { Caller } from './components/context.js'
import type { Composition } from './composition.js'
import { methodNotFound } from './errors.js'
import type { FastMCPOptions, Settings } from './options.js'
import type { ServerIdentity } from './protocol/era.js'
import { era2025 } from './protocol/era-2025.js'
import { Era2026 } from './protocol/era-2026.js'
import { isProtocolMethod } from './protocol/methods.js'
import type { Implementation } from './protocol/types.js'
import { Access } from './router/access.js'
import type { Eventually } from './providers/provider.js'
import { Router, type RouterOptions } from './router/router.js'
import { ChangeNotifier } from './sessions/change-notifier.js'
import { RequestStates } from './sessions/request-state.js'
import { Running } from './sessions/running.js'
import type { Connected } from './sessions/server-events.js'
import { ServerIntroducer, type Proxied } from './sessions/server-introducer.js'
import { Sessions } from './sessions/sessions.js'
import { Watches } from './sessions/watches.js'

/** How a server introduces itself. */
type Introduced = Pick<
  FastMCPOptions,
  'name' | 'version' | 'title' | 'description' | 'websiteUrl' | 'icons' | 'instructions'
>

/** The parts of a server that its sessions refer to. */
interface Parts {
  readonly composition: Composition
  readonly connected: Connected
  /** The server behind a proxy of one server. */
  readonly proxied: () => Proxied | undefined
}

/** Put together what serves a server's components to its clients. */
export function assemble(
  options: Introduced,
  settings: Settings,
  { composition, connected, proxied }: Parts,
): Sessions {
  const { provider, scope } = composition
  const identity = identityOf(options)
  const { logger } = settings
  const access = new Access(logger)
  const instructions = (caller: Caller): Eventually<string | undefined> =>
    options.instructions ?? composition.instructions(caller)
  const passesUnknown = (method: string): boolean =>
    !isProtocolMethod(method) && proxied()?.isTransparent() === true
  const forward: RouterOptions['forward'] = (method, params, context) => {
    const behind = passesUnknown(method) ? proxied() : undefined
    return behind?.server.forward(method, params, context) ?? Promise.reject(methodNotFound(method))
  }
  const passOn: RouterOptions['passOn'] = (method, params, context) => {
    const behind = proxied()
    return behind?.isTransparent() === true ? behind.server.passOn(method, params, context) : undefined
  }
  const services = {
    introducer: new ServerIntroducer(identity, instructions, proxied),
    passesUnknown,
    eras: { '2025-11-25': era2025, '2026-07-28': new Era2026(identity, settings.cache) },
    router: new Router(provider, { ...settings, forward, passOn }, access),
    access,
    scope,
    changes: new ChangeNotifier(provider),
    whenHeard: (uri: string, caller: Caller | undefined, tell: () => void) => {
      access.whenHeard(provider, uri, caller, tell)
    },
    logger,
    running: new Running(settings.maxRequests),
    watches: new Watches(provider, access, scope.notifyResourceUpdated, logger),
    connected,
    states: new RequestStates(settings.name, settings.requestState, logger),
    asksForRoots: settings.asksForRoots,
  }
  return new Sessions(services, settings)
}

/** Components may come and go at any time, so what can be listed is always said to be there, and to change. */
function identityOf(options: Introduced): ServerIdentity {
  const { name, version, title, description, websiteUrl, icons } = options
  const info: Implementation = { name, version, title, description, websiteUrl, icons: icons && [...icons] }
  return {
    info: JSON.parse(JSON.stringify(info)) as Implementation,
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    },
  }
}
