import { keyOf, type Component } from './components/component.js'
import type { Caller, Scope } from './components/context.js'
import { Lifespan, type Open } from './lifespan.js'
import { Mount } from './mount.js'
import type { Settings } from './options.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind, type RunKind } from './protocol/kinds.js'
import { AggregateProvider } from './providers/aggregate.js'
import { Instructions } from './providers/instructions.js'
import { LocalProvider } from './providers/local.js'
import type { Eventually, Provider, UpstreamStatus } from './providers/provider.js'
import { snapshot } from './providers/snapshot.js'
import { TransformedProvider } from './providers/transformed.js'
import { bordered } from './providers/transforms/border.js'
import { surrounded, type Layer, type Middleware } from './providers/transforms/middleware.js'
import { Namespace } from './providers/transforms/namespace.js'
import { reshape, reshaped, seeing, type See, type SeenTable } from './providers/transforms/reshape.js'
import type { RemoteProvider } from './proxy/remote-provider.js'
import { Visibility, type Selector } from './providers/visibility.js'
import type { MountStatus } from './transports/http/health.js'

/**
 * What a server consists of, from the inside out: its own components and those it took in,
 * surrounded by its middleware, seen through its transforms.
 */
export class Composition {
  readonly name: string
  readonly lifespan: Lifespan
  /** What clients, and servers that mount this one, see. The same object for ever. */
  readonly provider: TransformedProvider
  /** What its own handlers see. */
  readonly scope: Scope
  readonly #settings: Settings
  readonly #local: LocalProvider
  readonly #all: AggregateProvider
  readonly #surrounded: TransformedProvider
  readonly #providers = new Map<Provider, Provider>()
  readonly #instructions: Instructions
  readonly #layers: Layer[] = []
  readonly #sees: See[] = []
  #mounts: readonly Mount[] = []
  #isFiltered = false

  constructor(settings: Settings, open: Open | undefined) {
    const visibility = new Visibility()
    this.name = settings.name
    this.#settings = settings
    this.lifespan = new Lifespan(() => this.#open(open), settings.logger)
    this.#instructions = new Instructions(settings.logger)
    this.#local = new LocalProvider(settings.onDuplicate, visibility)
    this.#all = new AggregateProvider(this.#local, visibility, settings.logger)
    this.#surrounded = new TransformedProvider(this.#all)
    this.provider = new TransformedProvider(this.#surrounded)
    this.scope = {
      provider: this.#surrounded,
      notifyResourceUpdated: (uri, sessionId) => {
        this.#local.resourceUpdated(uri, sessionId)
      },
    }
  }

  get mountStatus(): readonly MountStatus[] {
    return this.#mounts.map((mount) => mount.status)
  }

  /** The servers that its components come from, those of mounted servers included. */
  get upstreams(): readonly UpstreamStatus[] {
    const own = [...this.#providers.keys()].flatMap(({ upstreams = [] }) => upstreams)
    return [...own, ...this.#mounts.flatMap(({ child }) => child.upstreams)]
  }

  /** Whether there is no other source of components, besides the server's own. */
  isSole(provider: Provider): boolean {
    return this.#mounts.length === 0 && this.#providers.size === 1 && this.#providers.has(provider)
  }

  /** Whether it has components of its own, or some that are hidden, changed or surrounded. */
  get isRestricted(): boolean {
    if (this.#isFiltered || this.#layers.length > 0 || this.#sees.length > 0) return true
    return COMPONENT_KINDS.some((kind) => this.#local.list(kind).length > 0)
  }

  /** How what it offers is to be used, as those providers say whose names are its own. */
  instructions(caller: Caller): Eventually<string | undefined> {
    const unprefixed = [...this.#providers].filter(([provider, seen]) => seen === provider)
    return this.#instructions.of(
      unprefixed.map(([provider]) => provider),
      caller,
    )
  }

  /**
   * Add components of the server's own: all of them, or none if one is refused.
   * @throws TypeError where a name or URI is taken and duplicates are an error.
   */
  add<K extends ComponentKind>(kind: K, components: readonly Component<K>[]): void {
    if (this.#all.isMixed && this.#settings.onDuplicate === 'error') this.#refuseClashes(components)
    this.#local.add(kind, components)
  }

  /** Take one of them away. Gives whether there was one. */
  remove(kind: ComponentKind, key: string): boolean {
    return this.#local.remove(kind, key)
  }

  /** Show or hide components, wherever they come from, by the names that they have in here. */
  show(selector: Selector, visible: boolean): void {
    if (!visible) this.#isFiltered = true
    this.#all.show(selector, visible)
  }

  /**
   * Take in what a server offers, live.
   * @throws TypeError for a prefix that cannot be one, a cycle, and names that clash or grow too long.
   */
  mount(child: Composition, prefix: string | undefined, isolation?: RemoteProvider): void {
    this.#refuseCycle(child)
    let isMounted = false
    const refuse = (problem: string): void => {
      if (!isMounted) throw new TypeError(problem)
      this.#all.warnOnce(problem)
    }
    const mount = new Mount(child, spaceOf(prefix), refuse, isolation)
    this.#checkClashes(mount.provider)
    isMounted = true
    this.#mounts = [...this.#mounts, mount]
    this.#all.add(mount.provider)
    this.lifespan.add(child.lifespan)
  }

  /** Take out what was mounted under a prefix, or of a server. Gives whether there was any. */
  unmount(which: string | Composition): boolean {
    const isMeant = ({ space, child }: Mount): boolean =>
      typeof which === 'string' ? space?.prefix === which : child === which
    const gone = this.#mounts.filter(isMeant)
    this.#mounts = this.#mounts.filter((mount) => !isMeant(mount))
    for (const mount of gone) {
      this.#all.delete(mount.provider)
      mount.end(() => {
        void mount.isolation?.close()
        void this.lifespan.remove(mount.child.lifespan)
      })
    }
    return gone.length > 0
  }

  /**
   * Take in a copy of what a server offers now.
   * @throws TypeError as `mount` does, and where a name is taken as `add` does.
   */
  async import(child: Composition, prefix: string | undefined): Promise<void> {
    this.#refuseCycle(child)
    const space = spaceOf(prefix)
    const [seen, inner] = await child.#snapshots()
    // It may have taken this one in meanwhile.
    this.#refuseCycle(child)
    const { lifespan } = child
    const border = bordered({
      space,
      scope: {
        provider: inner,
        notifyResourceUpdated: (uri) => {
          this.scope.notifyResourceUpdated(space?.outerUri(uri) ?? uri)
        },
      },
      enter: () => lifespan.opened(),
      refuse: (problem) => {
        throw new TypeError(problem)
      },
    })
    const copies = new TransformedProvider(seen, border)
    const lists = COMPONENT_KINDS.map((kind) => copies.list(kind, undefined) as readonly Component[])
    if (this.#settings.onDuplicate === 'error') {
      this.#refuseClashes(lists.flat())
      for (const component of lists.flat()) this.#local.refuseTaken(component)
    }
    for (const [index, kind] of COMPONENT_KINDS.entries()) this.#local.add(kind, lists[index] ?? [])
    this.lifespan.add(lifespan)
  }

  /** Take in what a provider has, live. */
  addProvider(provider: Provider, prefix: string | undefined): void {
    if (this.#providers.has(provider)) throw new TypeError('This provider was added already')
    const space = spaceOf(prefix)
    const scope: Scope = {
      provider,
      notifyResourceUpdated: (uri) => {
        this.scope.notifyResourceUpdated(space?.outerUri(uri) ?? uri)
      },
    }
    const refuse = (problem: string): void => {
      this.#all.warnOnce(problem)
    }
    const seen =
      space === undefined ? provider : new TransformedProvider(provider, bordered({ space, scope, refuse }))
    this.#checkClashes(seen)
    this.#providers.set(provider, seen)
    this.#all.add(seen)
    if (this.lifespan.isOpen) provider.open?.()
  }

  /** Take it out, and have it let go of what it holds. Gives whether it was there. */
  removeProvider(provider: Provider): boolean {
    const seen = this.#providers.get(provider)
    if (seen === undefined) return false
    this.#providers.delete(provider)
    this.#all.delete(seen)
    void this.#closeProvider(provider)
    return true
  }

  /** Surround every run, or those of one kind, with what was not surrounded by an earlier middleware. */
  use(kind: RunKind | undefined, run: Middleware): void {
    if (typeof run !== 'function') throw new TypeError('A middleware must be a function')
    this.#layers.push({ kind, run })
    this.#surrounded.replace(surrounded([...this.#layers]), false)
    const { onChange } = run
    if (onChange === undefined) return
    this.#all.subscribe((change) => {
      try {
        onChange(change)
      } catch (error) {
        this.#settings.logger.error('A middleware failed to take in a change', error)
      }
    })
  }

  /**
   * See components in another way, after earlier transforms.
   * @throws TypeError where something that is there now cannot be seen so.
   */
  transform(how: See | SeenTable): void {
    const see = seeing(how)
    for (const kind of COMPONENT_KINDS) {
      const list = this.provider.list(kind, undefined)
      if (list instanceof Promise) list.catch(() => undefined)
      else this.#refuseSame(list.flatMap((component) => reshape(component, [see]) ?? []))
    }
    this.#sees.push(see)
    const sees = [...this.#sees]
    this.provider.replace(
      reshaped(sees, (problem) => {
        this.#all.warnOnce(problem)
      }),
      true,
    )
  }

  /** What it offers now, to clients and to its own handlers. What is somewhere else is connected to for that. */
  async #snapshots(): Promise<readonly [LocalProvider, LocalProvider]> {
    const isAway = this.upstreams.length > 0
    if (isAway) await this.lifespan.acquire()
    try {
      return await Promise.all([snapshot(this.provider), snapshot(this.#surrounded)])
    } finally {
      if (isAway) void this.lifespan.release()
    }
  }

  #refuseCycle(child: Composition): void {
    if (child.lifespan.reaches(this.lifespan))
      throw new TypeError(
        `'${this.name}' cannot take in '${child.name}', which it would then be a part of itself`,
      )
  }

  /** Where it can be said at once: complain of what would be hidden, or hide something, in the way duplicates are dealt with. */
  #checkClashes(provider: Provider): void {
    for (const kind of COMPONENT_KINDS) {
      const list = provider.list(kind, undefined)
      if (list instanceof Promise) list.catch(() => undefined)
      else if (this.#settings.onDuplicate === 'error' && Array.isArray(list)) this.#refuseClashes(list)
    }
  }

  #refuseClashes(components: readonly Component[]): void {
    for (const component of components) {
      const key = keyOf(component)
      if (this.#all.listed(component.kind, key) !== undefined)
        throw new TypeError(`There is already a ${KINDS[component.kind].label} '${key}'`)
    }
  }

  #refuseSame(components: readonly Component[]): void {
    if (this.#settings.onDuplicate !== 'error') return
    const keys = components.map(keyOf)
    const twice = keys.find((key, at) => keys.indexOf(key) !== at)
    if (twice !== undefined) throw new TypeError(`A transform would give '${twice}' twice`)
  }

  /** What the server itself opens, and the connections of its providers, are closed together. */
  async #open(open: Open | undefined): Promise<AsyncDisposable> {
    const own = await open?.()
    for (const provider of this.#providers.keys()) provider.open?.()
    return {
      [Symbol.asyncDispose]: async () => {
        const proxies = this.#mounts.flatMap(({ isolation }) => isolation ?? [])
        const providers = [...this.#providers.keys(), ...proxies]
        await Promise.all(providers.map((provider) => this.#closeProvider(provider)))
        await own?.[Symbol.asyncDispose]()
      },
    }
  }

  async #closeProvider(provider: Provider): Promise<void> {
    try {
      await provider.close?.()
    } catch (error) {
      this.#settings.logger.error('A provider could not be closed', error)
    }
  }
}

function spaceOf(prefix: string | undefined): Namespace | undefined {
  return prefix === undefined ? undefined : new Namespace(prefix)
}
