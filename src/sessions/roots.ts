import type { Root } from '../protocol/client-types.js'

const NONE: readonly Root[] = []

/** What a client of 2024-11-05 to 2025-11-25 said its roots are (client/roots). */
export class Roots {
  #known: readonly Root[] = NONE
  #isFresh = false
  #isRefreshing = false
  #changes = 0

  /** What is known, be it outdated; empty where the client never said. */
  get known(): readonly Root[] {
    return this.#known
  }

  /** What is known and still so, or `undefined`. */
  get fresh(): readonly Root[] | undefined {
    return this.#isFresh ? this.#known : undefined
  }

  learn(roots: readonly Root[]): void {
    this.#known = roots
    this.#isFresh = true
  }

  /** The client said that they are others now. */
  outdate(): void {
    this.#isFresh = false
    this.#changes += 1
  }

  /** Ask until they are known: if they change meanwhile, once more. A client that fails to say is not pressed. */
  async refresh(
    ask: () => Promise<readonly Root[]>,
    onAnswer: (roots: readonly Root[]) => void,
    onFailure: (error: unknown) => void,
  ): Promise<void> {
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    try {
      while (!this.#isFresh) {
        const changes = this.#changes
        this.#known = await ask()
        this.#isFresh = changes === this.#changes
        onAnswer(this.#known)
      }
    } catch (error) {
      onFailure(error)
    } finally {
      this.#isRefreshing = false
    }
  }
}
