import type { Component } from '../components/component.js'
import type { Caller } from '../components/context.js'
import type { ComponentKind } from '../protocol/kinds.js'
import type { Change, Unsubscribe } from './changes.js'

/** A source of components: registered by hand, or from wherever an implementation takes them. */
export interface Provider {
  /** Every component of a kind that this caller may see, in a stable order. */
  list<K extends ComponentKind>(
    kind: K,
    caller: Caller,
  ): readonly Component<K>[] | Promise<readonly Component<K>[]>
  /**
   * The component that answers to a name or URI, or `undefined` for "not mine". A resource is
   * found by its URI, be it listed or given by a template; a template by its `uriTemplate`.
   */
  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller,
  ): Component<K> | undefined | Promise<Component<K> | undefined>
  /** Hear of every change to what `list` and `find` would answer. */
  subscribe(listener: (change: Change) => void): Unsubscribe
  /** Let go of connections, watchers and timers. */
  close?(): Promise<void>
}
