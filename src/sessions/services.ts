import type { Caller, Scope } from '../components/context.js'
import type { Era } from '../protocol/era.js'
import type { Era2026 } from '../protocol/era-2026.js'
import type { Access } from '../router/access.js'
import type { Router } from '../router/router.js'
import type { Logger } from '../runtime/logger.js'
import type { ChangeNotifier } from './change-notifier.js'
import type { RequestStates } from './request-state.js'
import type { Running } from './running.js'
import type { Connected } from './server-events.js'
import type { ServerIntroducer } from './server-introducer.js'
import type { Watches } from './watches.js'

/** What all sessions of one server share. */
export interface Services {
  readonly introducer: ServerIntroducer
  /** Whether requests and notifications of methods that are not the protocol's may go to the server behind this one. */
  readonly passesUnknown: (method: string) => boolean
  readonly eras: { readonly '2025-11-25': Era; readonly '2026-07-28': Era2026 }
  readonly router: Router
  readonly access: Access
  readonly scope: Scope
  readonly changes: ChangeNotifier
  /** Calls back if somebody may hear of a resource. */
  readonly whenHeard: (uri: string, caller: Caller | undefined, tell: () => void) => void
  readonly logger: Logger
  readonly running: Running
  readonly watches: Watches
  readonly connected: Connected
  readonly states: RequestStates
  /** Whether clients are asked for their roots as soon as they are there. */
  readonly asksForRoots: boolean
  /** Something is there that must be kept in touch with. */
  wakeHeartbeat(): void
}
