import type { Component } from '../components/component.js'
import type { Caller, ComponentSource } from '../components/context.js'
import { InsufficientScopeError } from '../errors.js'
import type { ComponentKind } from '../protocol/kinds.js'
import { fleeting } from '../providers/fleeting.js'
import type { Eventually, Provider } from '../providers/provider.js'
import type { Logger } from '../runtime/logger.js'

/** Shows each caller what he may use, and nothing else: asked anew for every request. */
export class Access {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
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
    if (scopes !== undefined && isLacking(caller, scopes))
      throw new InsufficientScopeError(definition.name, scopes)
  }

  /** The resource that somebody may hear of: what he may read. */
  async findToHear(
    source: ComponentSource,
    uri: string,
    caller: Caller | undefined,
  ): Promise<Component<'resource'> | undefined> {
    const found = await this.find(source, 'resource', uri, caller)
    // Of what nobody knows to be there, nobody hears who has to say who he is.
    if (found?.isGuess === true && caller?.principal !== undefined) return undefined
    return found?.scopes === undefined || !isLacking(caller, found.scopes) ? found : undefined
  }

  /**
   * Call back if somebody may hear of a resource. What is not there, or cannot be looked for, only
   * those hear of who are told everything.
   */
  whenHeard(provider: Provider, uri: string, caller: Caller | undefined, tell: () => void): void {
    if (caller?.principal === undefined && !this.#hasGuards(provider, uri, caller)) {
      tell()
      return
    }
    this.findToHear(provider, uri, caller).then(
      (found) => {
        if (found !== undefined) tell()
      },
      () => undefined,
    )
  }

  /** Whether what is at a URI is not for everybody. */
  #hasGuards(provider: Provider, uri: string, caller: Caller | undefined): boolean {
    try {
      const found = provider.find('resource', uri, caller)
      if (!(found instanceof Promise)) return found?.access !== undefined || found?.scopes !== undefined
      found.catch(() => undefined)
      // Guards are not known of what is elsewhere.
      return false
    } catch {
      return false
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
      if (typeof allowed !== 'boolean') this.#refuseLater(allowed, kind, definition.name)
      return allowed === true
    } catch (error) {
      this.#logger.debug(`canAccess of ${kind} '${definition.name}' failed, which is a no`, error)
      return false
    }
  }

  /** An answer that comes later comes too late. */
  #refuseLater(answer: unknown, kind: ComponentKind, name: string): void {
    Promise.resolve(answer).catch(() => undefined)
    this.#logger.error(
      `canAccess of ${kind} '${name}' must answer at once with true or false, and so is a no`,
    )
  }
}

/** By the scheme that let somebody in, else by the `scopes` that `authenticate` gave. */
function isLacking(caller: Caller | undefined, required: readonly string[]): boolean {
  const { auth, scheme } = caller ?? {}
  if (scheme !== undefined) return scheme.missingScopes(auth, required).length > 0
  const granted = (auth as { scopes?: unknown } | null | undefined)?.scopes
  return required.some((scope) => !Array.isArray(granted) || !granted.includes(scope))
}
