import { keyOf, seenAs, type Component } from '../../components/component.js'
import { KINDS, type ComponentKind } from '../../protocol/kinds.js'
import { isObject } from '../../protocol/json-rpc.js'
import type { Meta, ToolDefinition } from '../../protocol/types.js'
import type { Change } from '../changes.js'
import type { Transform } from '../transformed.js'

const PREFIX = /^[A-Za-z0-9_.-]{1,64}$/
const HIERARCHICAL = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)([^]*)$/

/** How long a tool's or a prompt's name may be (server/tools, Tool Names). */
const MAX_NAME_LENGTH = 128

/**
 * The names and URIs of one server as they are known in another that mounted it:
 * `get` is `prefix_get`, `data://cities` is `data://prefix/cities`, `urn:isbn:1` is `prefix+urn:isbn:1`.
 */
export class Namespace {
  readonly prefix: string
  readonly #nameStart: string
  readonly #pathStart: string
  readonly #schemeStart: string

  /** @throws TypeError for a prefix that could not stand in a name and in a URI. */
  constructor(prefix: string) {
    if (typeof prefix !== 'string' || !PREFIX.test(prefix) || prefix === '.' || prefix === '..')
      throw new TypeError(`Prefix ${JSON.stringify(prefix)} must be 1 to 64 characters of A-Z a-z 0-9 _ - .`)
    this.prefix = prefix
    this.#nameStart = `${prefix}_`
    this.#pathStart = `${prefix}/`
    this.#schemeStart = `${schemeOf(prefix)}+`
  }

  outerName(name: string): string {
    return this.#nameStart + name
  }

  innerName(name: string): string | undefined {
    return name.startsWith(this.#nameStart) ? name.slice(this.#nameStart.length) : undefined
  }

  /** For URIs and URI templates alike: both begin with the scheme, and end as they did. */
  outerUri(uri: string): string {
    const [, scheme, rest] = HIERARCHICAL.exec(uri) ?? []
    return scheme === undefined ? this.#schemeStart + uri : `${scheme}${this.#pathStart}${rest}`
  }

  innerUri(uri: string): string | undefined {
    const [, scheme, rest] = HIERARCHICAL.exec(uri) ?? []
    if (scheme !== undefined && rest?.startsWith(this.#pathStart) === true)
      return scheme + rest.slice(this.#pathStart.length)
    return uri.startsWith(this.#schemeStart) ? uri.slice(this.#schemeStart.length) : undefined
  }

  outerKey(kind: ComponentKind, key: string): string {
    return KINDS[kind].key === 'name' ? this.outerName(key) : this.outerUri(key)
  }

  innerKey(kind: ComponentKind, key: string): string | undefined {
    return KINDS[kind].key === 'name' ? this.innerName(key) : this.innerUri(key)
  }
}

/** Schemes (RFC 3986, 3.1) begin with a letter and have no underscores. */
function schemeOf(prefix: string): string {
  const scheme = prefix.replaceAll('_', '-')
  return /^[A-Za-z]/.test(scheme) ? scheme : `x${scheme}`
}

/** See components under the names and URIs of a namespace. `refuse` is told of names that grow too long. */
export function namespaced(space: Namespace, refuse: (problem: string) => void): Transform {
  return {
    component(component) {
      const problem = tooLong(space, component)
      if (problem === undefined) return renamed(space, component)
      refuse(problem)
      return undefined
    },
    innerKey: (kind, key) => space.innerKey(kind, key),
    change: (change): Change =>
      change.type === 'resourceUpdated' ? { ...change, uri: space.outerUri(change.uri) } : change,
  }
}

/** What is wrong with the name that a component would get. */
function tooLong(space: Namespace, component: Component): string | undefined {
  const { key, label } = KINDS[component.kind]
  const inner = keyOf(component)
  const outer = space.outerKey(component.kind, inner)
  if (key !== 'name' || outer.length <= MAX_NAME_LENGTH) return undefined
  return `The ${label} '${inner}' cannot be mounted as '${outer}': names have at most ${MAX_NAME_LENGTH} characters`
}

function renamed<K extends ComponentKind>(space: Namespace, component: Component<K>): Component<K> {
  const { key } = KINDS[component.kind]
  const definition = {
    ...component.definition,
    [key]: space.outerKey(component.kind, keyOf(component)),
  } as Component<K>['definition']
  if (component.kind === 'tool') nameApp(space, definition as ToolDefinition)
  const { template } = component
  return seenAs(component, {
    definition,
    ...(template !== undefined && { template: space.outerUri(template) }),
  })
}

/** Tools of MCP Apps name the resource that shows them. */
function nameApp(space: Namespace, definition: ToolDefinition): void {
  const { _meta: meta } = definition
  const flat = meta?.['ui/resourceUri']
  const app = meta?.['ui']
  const changed: Meta = {}
  if (typeof flat === 'string') changed['ui/resourceUri'] = space.outerUri(flat)
  if (isObject(app) && typeof app['resourceUri'] === 'string')
    changed['ui'] = { ...app, resourceUri: space.outerUri(app['resourceUri']) }
  if (Object.keys(changed).length > 0) definition._meta = { ...meta, ...changed }
}
