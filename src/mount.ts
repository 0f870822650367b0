import type { Composition } from './composition.js'
import type { RemoteProvider } from './proxy/remote-provider.js'
import { TransformedProvider } from './providers/transformed.js'
import { bordered } from './providers/transforms/border.js'
import type { Namespace } from './providers/transforms/namespace.js'
import type { MountStatus } from './transports/http/health.js'

/** A server as it is seen, live, in another that mounted it. */
export class Mount {
  readonly child: Composition
  readonly space: Namespace | undefined
  readonly provider: TransformedProvider
  readonly isolation: RemoteProvider | undefined
  #running = 0
  #isOver = false
  #whenIdle: (() => void) | undefined

  /** `refuse` is told of names that cannot be shown in the parent; `isolation` runs what is to run in sessions of its own. */
  constructor(
    child: Composition,
    space: Namespace | undefined,
    refuse: (problem: string) => void,
    isolation: RemoteProvider | undefined,
  ) {
    this.child = child
    this.space = space
    this.isolation = isolation
    const border = bordered({
      space,
      refuse,
      scope: child.scope,
      run: isolation && ((kind, key, params, context) => isolation.run(kind, key, params, context)),
      enter: () => {
        this.#running += 1
        if (this.#isOver) return Promise.reject(new Error(`'${child.name}' is not mounted any more`))
        return child.lifespan.opened()
      },
      leave: () => {
        this.#running -= 1
        if (this.#running === 0) this.#whenIdle?.()
      },
    })
    this.provider = new TransformedProvider(child.provider, border)
  }

  get status(): MountStatus {
    const { lifespan, name, mountStatus } = this.child
    return {
      name,
      prefix: this.space?.prefix,
      state: lifespan.isOpen ? 'running' : 'idle',
      lastError: lifespan.lastError,
      mounts: mountStatus,
    }
  }

  /** It is mounted no more: do something, once, as soon as nothing that was called through it runs. */
  end(then: () => void): void {
    this.#whenIdle = () => {
      this.#whenIdle = undefined
      this.#isOver = true
      then()
    }
    if (this.#running === 0) this.#whenIdle()
  }
}
