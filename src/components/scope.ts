import {
  ContextView,
  OPERATIONS,
  type CompletionContext,
  type Context,
  type Operations,
  type Scope,
} from './context.js'

/** The context of a run within one server of several: what it reaches there goes by that server's names. */
export class ScopedContext extends ContextView {
  readonly #scope: Scope

  constructor(behind: Context, scope: Scope) {
    super(behind)
    this.#scope = scope
  }

  override [OPERATIONS](context: Context, scope: Scope = this.#scope): Operations {
    return super[OPERATIONS](context, scope)
  }

  override get notifyResourceUpdated(): Context['notifyResourceUpdated'] {
    return (uri) => {
      this.#scope.notifyResourceUpdated(uri)
    }
  }
}

/** The same for a completion. */
export class ScopedCompletion extends ScopedContext implements CompletionContext {
  readonly arguments: CompletionContext['arguments']

  constructor(behind: CompletionContext, scope: Scope) {
    super(behind, scope)
    this.arguments = behind.arguments
  }
}
