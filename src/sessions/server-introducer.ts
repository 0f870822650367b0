import type { Caller } from '../components/context.js'
import type { ServerIdentity } from '../protocol/era.js'
import type { Implementation, ServerCapabilities } from '../protocol/types.js'
import { andThen, type Eventually } from '../providers/provider.js'
import type { ProxiedServer, ServerIntroduction } from '../providers/proxied-server.js'
import { BoundedWait } from '../util/bounded-wait.js'

/** How long a client waits for the information of a server behind a proxy, in milliseconds. */
const TIMEOUT_MS = 3000

/** How many clients wait for it at once. */
const MAX_WAITING = 1000

/** The information that a client gets by `initialize` or `server/discover`. */
export interface Introduced extends ServerIdentity {
  readonly instructions: string | undefined
}

/** The server behind a proxy of one server. */
export interface Proxied {
  readonly server: ProxiedServer
  /** The information that the proxy was given of its own, which goes before the server's. */
  readonly given: { readonly [Member in keyof Implementation]?: Implementation[Member] | undefined } & {
    readonly instructions?: string | undefined
  }
  /** Whether the proxy has no other source of components. */
  readonly isSole: () => boolean
  /** Whether requests of the server's extensions are passed on. */
  readonly isTransparent: () => boolean
}

/** Introduces a server to its clients: by its own information, or by that of the one server behind a proxy. */
export class ServerIntroducer {
  readonly #identity: ServerIdentity
  readonly #instructions: (caller: Caller) => Eventually<string | undefined>
  readonly #proxied: () => Proxied | undefined
  readonly #wait = new BoundedWait(TIMEOUT_MS, MAX_WAITING)
  readonly #infos = new WeakMap<ServerIntroduction, Implementation>()

  constructor(
    identity: ServerIdentity,
    instructions: (caller: Caller) => Eventually<string | undefined>,
    proxied: () => Proxied | undefined,
  ) {
    this.#identity = identity
    this.#instructions = instructions
    this.#proxied = proxied
  }

  introduce(caller: Caller): Eventually<Introduced> {
    const proxied = this.#soleProxied
    if (proxied === undefined)
      return andThen(this.#instructions(caller), (instructions) => ({ ...this.#identity, instructions }))
    const told = proxied.server.introduction(caller)
    const soon = told instanceof Promise ? this.#wait.for(told) : told
    return andThen(soon, (introduction) => this.#introducedBy(proxied, introduction))
  }

  /** Returns the server information for a result; `undefined`: the server's own. */
  infoFor(caller: Caller): Implementation | undefined {
    const proxied = this.#soleProxied
    if (proxied === undefined) return undefined
    try {
      const known = proxied.server.known(caller)
      return known && this.#infoOf(proxied, known)
    } catch {
      // Headers that cannot be made are an error of calls.
      return undefined
    }
  }

  get #soleProxied(): Proxied | undefined {
    const proxied = this.#proxied()
    return proxied?.isSole() === true ? proxied : undefined
  }

  #introducedBy(proxied: Proxied, introduction: ServerIntroduction | undefined): Introduced {
    const instructions = proxied.given.instructions ?? introduction?.instructions
    const info = introduction && this.#infoOf(proxied, introduction)
    const extensions = proxied.isTransparent() ? introduction?.extensions : undefined
    const capabilities: ServerCapabilities = {
      ...this.#identity.capabilities,
      ...(extensions !== undefined && { extensions }),
    }
    return { info: info ?? this.#identity.info, capabilities, instructions }
  }

  #infoOf({ given }: Proxied, introduction: ServerIntroduction): Implementation {
    const known = this.#infos.get(introduction)
    if (known !== undefined) return known
    const { info: own } = this.#identity
    const { info = own } = introduction
    const version = given.version ?? info.version
    // A name of the proxy's own does not go with the title and icons of the server.
    const shown = given.name === undefined ? { ...info, ...definedIn(given), version } : { ...own, version }
    this.#infos.set(introduction, shown)
    return shown
  }
}

function definedIn({ instructions: _, ...given }: Proxied['given']): Partial<Implementation> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
