import { keyOf, type Component } from '../components/component.js'
import type { Caller } from '../components/context.js'
import { capabilityFlags } from '../protocol/capability-flags.js'
import type { Era } from '../protocol/era.js'
import { EncodedResult } from '../protocol/json-rpc.js'
import { KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { ToolDefinition } from '../protocol/types.js'
import { isFleeting } from '../providers/fleeting.js'
import type { Provider } from '../providers/provider.js'
import type { Logger } from '../runtime/logger.js'
import type { Access } from './access.js'
import { pageOf } from './cursor.js'

/** How many pages are remembered: one for each era, kind and set of capabilities. */
const MAX_REMEMBERED = 64

/** Answers the four list methods, and remembers the first page of each as text until what it lists changes. */
export class Lists {
  readonly #provider: Provider
  readonly #pageSize: number | undefined
  readonly #logger: Logger
  readonly #access: Access
  readonly #remembered = new Map<string, EncodedResult>()
  readonly #texts = new Map<string, WeakMap<object, string>>()
  #revision = 0

  constructor(provider: Provider, pageSize: number | undefined, logger: Logger, access: Access) {
    this.#provider = provider
    this.#pageSize = pageSize
    this.#logger = logger
    this.#access = access
    provider.subscribe((change) => {
      // Lists that one session alone sees are not remembered.
      if (change.type === 'listChanged' && change.sessionId === undefined) this.#forget()
    })
  }

  async page(
    kind: ComponentKind,
    cursor: string | undefined,
    caller: Caller,
    era: Era,
  ): Promise<EncodedResult> {
    if (cursor !== undefined) return this.#encode(kind, await this.#shown(kind, caller), cursor, era)
    // Servers behind a proxy may list other components to clients with other capabilities.
    const key = `${era.name} ${kind} ${capabilityFlags(caller.capabilities)}`
    const hasOwnLists = (caller.conversation?.ownLists ?? 0) > 0
    const known = hasOwnLists ? undefined : this.#remembered.get(key)
    if (known !== undefined) return known
    const revision = this.#revision
    const list = await this.#shown(kind, caller)
    const encoded = this.#encode(kind, list, undefined, era)
    if (revision === this.#revision && !isFleeting(list)) this.#remembered.set(key, encoded)
    if (this.#remembered.size > MAX_REMEMBERED) this.#forget()
    return encoded
  }

  async #shown(kind: ComponentKind, caller: Caller): Promise<readonly Component[]> {
    return this.#access.shown(await this.#provider.list(kind, caller), caller)
  }

  #encode(
    kind: ComponentKind,
    components: readonly Component[],
    cursor: string | undefined,
    era: Era,
  ): EncodedResult {
    const { list, items } = KINDS[kind]
    const page = pageOf(list, components, keyOf, this.#pageSize, cursor)
    const shown = page.items.flatMap((component) => this.#text(component, era) ?? []).join()
    const nextCursor = page.nextCursor === undefined ? '' : `,"nextCursor":${JSON.stringify(page.nextCursor)}`
    return new EncodedResult(`{"${items}":[${shown}]${nextCursor}}`)
  }

  /** One definition as text: when a list changes, most of it does not. One that is no JSON is left out. */
  #text({ kind, definition }: Component, era: Era): string | undefined {
    let texts = this.#texts.get(era.name)
    if (texts === undefined) this.#texts.set(era.name, (texts = new WeakMap()))
    const known = texts.get(definition)
    if (known !== undefined) return known
    try {
      const text = JSON.stringify(
        kind === 'tool' ? era.toolDefinition(definition as ToolDefinition) : definition,
      )
      texts.set(definition, text)
      return text
    } catch (error) {
      this.#logger.error(`The definition of ${KINDS[kind].label} '${definition.name}' is not JSON`, error)
      return undefined
    }
  }

  #forget(): void {
    this.#revision += 1
    this.#remembered.clear()
  }
}
