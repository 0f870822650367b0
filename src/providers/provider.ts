import type { Component } from '../components/component.js'
import type { Caller, ComponentSource } from '../components/context.js'
import type { ComponentKind } from '../protocol/kinds.js'
import type { Change, Unsubscribe } from './changes.js'

/** What is there at once, or later. */
export type Eventually<T> = T | Promise<T>

/** How a server behind a proxy is doing. */
export interface UpstreamStatus {
  readonly name: string
  /** Where it is, without what may be secret. */
  readonly target: string
  readonly state: 'idle' | 'connecting' | 'connected' | 'unavailable'
  readonly protocolVersion: string | undefined
  /** How long it lately took to answer, in milliseconds. */
  readonly latencyMs: number | undefined
  readonly lastError: string | undefined
  readonly connections: number
  /** How many requests are under way or wait for their turn. */
  readonly pending: number
}

/** A source of components: registered by hand, or from wherever an implementation takes them. */
export interface Provider extends ComponentSource {
  /** Every component of a kind that this caller may see, in a stable order; without a caller, that anybody may. */
  list<K extends ComponentKind>(kind: K, caller: Caller | undefined): Eventually<readonly Component<K>[]>
  /**
   * The component that answers to a name or URI, or `undefined` for "not mine". A resource is
   * found by its URI, be it listed or given by a template; a template by its `uriTemplate`.
   */
  find<K extends ComponentKind>(
    kind: K,
    key: string,
    caller: Caller | undefined,
  ): Eventually<Component<K> | undefined>
  /** Hear of every change to what `list` and `find` would answer. */
  subscribe(listener: (change: Change) => void): Unsubscribe
  /** What it needs may be opened: the server that it was added to is being served. */
  open?(): void
  /** How what it has is to be used, said to clients of a server that says nothing of its own. It may take its time, but must not fail. */
  instructions?(caller: Caller): Eventually<string | undefined>
  /** How the servers are doing that it takes its components from, if there are any. */
  readonly upstreams?: readonly UpstreamStatus[]
  /** Let go of connections, watchers and timers; should it be asked again later, it gets them back. */
  close?(): Promise<void>
}

/** Go on with what is there at once without waiting for it: most of what is looked up is. */
export function andThen<T, R>(value: Eventually<T>, next: (value: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** The same with several. */
export function allOf<T, R>(
  values: readonly Eventually<T>[],
  next: (values: readonly T[]) => R,
): Eventually<R> {
  const promises: unknown[] = values.filter((value) => value instanceof Promise)
  return promises.length === 0
    ? next(values as readonly T[])
    : Promise.all(values.map(async (v) => v)).then(next)
}
