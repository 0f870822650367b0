import type { Annotations, Icon, Resource } from '../protocol/types.js'
import type { Component, Stop } from './component.js'
import type { Context } from './context.js'
import { checkName, definitionOf, tagsOf } from './definition.js'
import { guardOf, type Guarded } from './guard.js'
import { InputRequired } from './input-required.js'
import { toReadResult } from './result.js'

/** What a resource as a user writes it and a resource template have in common. */
export interface ResourceFacts {
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly mimeType?: string
  readonly annotations?: Annotations
  readonly tags?: readonly string[]
  readonly icons?: readonly Icon[]
  /** Goes out as `_meta`. */
  readonly meta?: Record<string, unknown>
}

/** A resource as a user writes it (server/resources). */
export interface ResourceConfig<Auth = unknown> extends ResourceFacts, Guarded<Auth> {
  /** An absolute URI (RFC 3986), such as `data://cities`. */
  readonly uri: string
  /** In bytes, if known. */
  readonly size?: number
  /** Gives text, bytes, a JSON value, parts with `text` or `blob`, or nothing where there is no such resource. */
  load(context: Context<Auth>): unknown
  /**
   * Watches what the resource holds, from when a first client subscribes until the last leaves:
   * calls `changed` at every change, and gives what ends the watching.
   */
  watch?(changed: () => void): Stop | void | Promise<Stop | void>
}

const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/

/**
 * Make a component of what a user wrote.
 * @throws TypeError for a URI that is not absolute.
 */
export function defineResource(config: ResourceConfig): Component<'resource'> {
  const { uri, name, title, description, mimeType, size, annotations, icons, meta } = config
  checkUri(uri)
  checkName(`Resource ${uri}:`, name)
  return {
    kind: 'resource',
    definition: definitionOf<Resource>({
      uri,
      name,
      title,
      description,
      mimeType,
      size,
      annotations,
      icons,
      _meta: meta,
    }),
    async invoke(_params, context) {
      const given = await config.load(context)
      return given instanceof InputRequired ? given : toReadResult(given, uri, mimeType)
    },
    ...(config.watch === undefined
      ? {}
      : { watch: { source: config, start: (changed) => config.watch?.(changed) } }),
    ...tagsOf(config.tags),
    ...guardOf(`Resource ${uri}`, config),
  }
}

/** @throws TypeError unless `uri` is absolute: nothing else can be asked for. */
export function checkUri(uri: unknown): void {
  if (typeof uri !== 'string' || !ABSOLUTE_URI.test(uri))
    throw new TypeError(`Resource URI ${JSON.stringify(uri)} must be absolute, such as data://cities`)
}
