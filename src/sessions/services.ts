import type { Era, EraName, ServerIdentity } from '../protocol/era.js'
import type { Router } from '../router/router.js'
import type { Logger } from '../runtime/logger.js'
import type { ChangeNotifier } from './change-notifier.js'
import type { Running } from './running.js'

/** What all sessions of one server share. */
export interface Services {
  readonly identity: ServerIdentity
  readonly eras: Readonly<Record<EraName, Era>>
  readonly router: Router
  readonly changes: ChangeNotifier
  readonly logger: Logger
  readonly running: Running
  notifyResourceUpdated(uri: string): void
}
