/** Connections that are being closed, so that whoever closes everything can wait for them. */
export class Ending {
  readonly #ending = new Set<Promise<void>>()

  /** Close something. */
  end(connection: { close(): Promise<void> }): void {
    const closing: Promise<void> = connection
      .close()
      .catch(() => undefined)
      .finally(() => this.#ending.delete(closing))
    this.#ending.add(closing)
  }

  /** Resolves when all that is being closed is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending)
  }
}
