import type { MissingScopes } from '../components/context.js'
import type { Authenticate } from './authenticator.js'

/** A way for callers to show who they are, as `bearerAuth` of `fastmesh/auth` makes one. */
export interface AuthScheme<Auth = unknown> {
  readonly authenticate: Authenticate<Auth>
  /** The same for requests of the same caller only. */
  readonly principal: (auth: Auth) => string
  /** Those of some scopes that a caller has not been granted. */
  readonly missingScopes: MissingScopes<Auth>
  /** The `WWW-Authenticate` for a caller who has to be granted these scopes as well (RFC 6750, 3). */
  readonly scopeChallenge: (auth: Auth, required: readonly string[]) => string
  /** What anybody may know of how to be let in, for paths given the one of the endpoint (RFC 9728, 3). */
  readonly metadata: {
    readonly paths: (endpoint: string) => readonly string[]
    readonly document: object
  }
}
