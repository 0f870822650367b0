import { keyOf, type Component } from '../components/component.js'
import type { Caller } from '../components/context.js'
import type { Era } from '../protocol/era.js'
import { EncodedResult } from '../protocol/json-rpc.js'
import { KINDS, type ComponentKind } from '../protocol/kinds.js'
import type { ToolDefinition } from '../protocol/types.js'
import type { Provider } from '../providers/provider.js'
import { pageOf } from './cursor.js'

/** Answers the four list methods, and remembers the first page of each as text until what it lists changes. */
export class Lists {
  readonly #provider: Provider
  readonly #pageSize: number | undefined
  readonly #remembered = new Map<string, EncodedResult>()
  #revision = 0

  constructor(provider: Provider, pageSize: number | undefined) {
    this.#provider = provider
    this.#pageSize = pageSize
    provider.subscribe((change) => {
      if (change.type === 'listChanged') this.#forget()
    })
  }

  async page(
    kind: ComponentKind,
    cursor: string | undefined,
    caller: Caller,
    era: Era,
  ): Promise<EncodedResult> {
    if (cursor !== undefined) return this.#encode(kind, await this.#provider.list(kind, caller), cursor, era)
    const key = `${era.name} ${kind}`
    const known = this.#remembered.get(key)
    if (known !== undefined) return known
    const revision = this.#revision
    const encoded = this.#encode(kind, await this.#provider.list(kind, caller), undefined, era)
    if (revision === this.#revision) this.#remembered.set(key, encoded)
    return encoded
  }

  #encode(
    kind: ComponentKind,
    components: readonly Component[],
    cursor: string | undefined,
    era: Era,
  ): EncodedResult {
    const { list, items } = KINDS[kind]
    const page = pageOf(list, components, keyOf, this.#pageSize, cursor)
    const shown = page.items.map(({ definition }) =>
      kind === 'tool' ? era.toolDefinition(definition as ToolDefinition) : definition,
    )
    return new EncodedResult(JSON.stringify({ [items]: shown, nextCursor: page.nextCursor }))
  }

  #forget(): void {
    this.#revision += 1
    this.#remembered.clear()
  }
}
