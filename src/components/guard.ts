/** Who may use a component. */
export interface Guarded<Auth = unknown> {
  /**
   * Whether somebody may use it, asked for each request with what `authenticate` gave. Who may not
   * is not shown it, and cannot find it. Whatever is not `true`, or is thrown, is a no.
   */
  readonly canAccess?: (auth: Auth) => boolean
  /**
   * OAuth scopes that a caller needs for it: it is shown without them, but refused with HTTP status
   * 403 and what scopes to come back with (basic/authorization, Scope Challenge Handling).
   */
  readonly requiredScopes?: readonly string[]
}

/** The same as a component carries it. */
export interface Guard {
  readonly access?: (auth: unknown) => boolean
  readonly scopes?: readonly string[]
}

/** @throws TypeError for what is no guard. */
export function guardOf(
  label: string,
  { canAccess, requiredScopes }: Pick<Guarded<never>, 'canAccess' | 'requiredScopes'>,
): Guard {
  if (canAccess !== undefined && typeof canAccess !== 'function')
    throw new TypeError(`${label}: canAccess must be a function`)
  if (requiredScopes !== undefined && !requiredScopes.every((scope) => SCOPE.test(scope)))
    throw new TypeError(`${label}: requiredScopes must be OAuth scopes, without spaces or quotes`)
  return {
    ...(canAccess !== undefined && { access: canAccess as (auth: unknown) => boolean }),
    ...(requiredScopes !== undefined && requiredScopes.length > 0 && { scopes: [...requiredScopes] }),
  }
}

/** RFC 6749, 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/
