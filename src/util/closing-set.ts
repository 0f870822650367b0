/** Connections that are being closed, so that the end of all of them can be waited for. */
export class ClosingSet {
  readonly #closing = new Set<Promise<void>>()

  /** Closes a connection. */
  close(connection: { close(): Promise<void> }): void {
    const closing: Promise<void> = connection
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  /** Resolves when everything is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing)
  }
}
