import type { Component } from '../components/component.js'
import type { Caller, ComponentSource } from '../components/context.js'
import { InsufficientScopeError } from '../errors.js'
import type { ComponentKind } from '../protocol/kinds.js'
import { fleeting } from '../providers/fleeting.js'
import type { Eventually, Provider } from '../providers/provider.js'
import type { Logger } from '../runtime/logger.js'

/** Which of several scopes somebody lacks. */
export type MissingScopes = (auth: unknown, required: readonly string[]) => readonly string[]

/** Shows each caller what he may use, and nothing else: asked anew for every request. */
export class Access {
  readonly #logger: Logger
  readonly #missingScopes: MissingScopes

  constructor(logger: Logger, missingScopes: MissingScopes = lacking) {
    this.#logger = logger
    this.#missingScopes = missingScopes
  }

  /** What somebody sees of a list. */
  shown<K extends ComponentKind>(
    list: readonly Component<K>[],
    caller: Caller | undefined,
  ): readonly Component<K>[] {
    if (!list.some(({ access }) => access !== undefined)) return list
    return fleeting(list.filter((component) => this.#allows(component, caller)))
  }

  /** The component that somebody finds under a name or URI. */
  find<K extends ComponentKind>(
    source: ComponentSource,
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined> {
    const found = source.find(kind, key, caller)
    return found instanceof Promise
      ? found.then((later) => this.#given(later, caller))
      : this.#given(found, caller)
  }

  /** Before it is run. @throws InsufficientScopeError where the caller has to be granted more first. */
  admit({ scopes, definition }: Component, caller: Caller): void {
    if (scopes === undefined) return
    const missing = this.#missingScopes(caller.auth, scopes)
    if (missing.length > 0) throw new InsufficientScopeError(definition.name, scopes)
  }

  /** Call back if somebody may hear of a resource. */
  whenHeard(provider: Provider, uri: string, caller: Caller | undefined, tell: () => void): void {
    try {
      const found = provider.find('resource', uri, caller)
      if (!(found instanceof Promise)) {
        if (found === undefined || this.#allows(found, caller)) tell()
        return
      }
      found.then(
        (later) => {
          if (later === undefined || this.#allows(later, caller)) tell()
        },
        () => {
          // Where it cannot be found out, it is told where everybody is told everything.
          if (caller?.principal === undefined) tell()
        },
      )
    } catch {
      if (caller?.principal === undefined) tell()
    }
  }

  #given<K extends ComponentKind>(
    found: Component<K> | undefined,
    caller: Caller | undefined,
  ): Component<K> | undefined {
    return found !== undefined && this.#allows(found, caller) ? found : undefined
  }

  #allows({ access, kind, definition }: Component, caller: Caller | undefined): boolean {
    if (access === undefined) return true
    try {
      const allowed: unknown = access(caller?.auth)
      return allowed === true
    } catch (error) {
      this.#logger.debug(`canAccess of ${kind} '${definition.name}' failed, which is a no`, error)
      return false
    }
  }
}

/** Those of what `authenticate` gave as `scopes`. */
function lacking(auth: unknown, required: readonly string[]): readonly string[] {
  const granted = (auth as { scopes?: unknown } | null | undefined)?.scopes
  return required.filter((scope) => !Array.isArray(granted) || !granted.includes(scope))
}
