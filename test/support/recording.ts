import type { ClientSession, DisconnectReason, FastMCP, Logger } from 'fastmesh'
import { expect } from 'vitest'

/** Writes down who comes and goes. */
export class Recording {
  readonly connected: ClientSession[] = []
  readonly disconnected: { session: ClientSession; reason: DisconnectReason }[] = []

  constructor(server: FastMCP<unknown, object>) {
    server.on('connect', ({ session }) => this.connected.push(session))
    server.on('disconnect', (event) => this.disconnected.push(event))
  }

  get reasons(): DisconnectReason[] {
    return this.disconnected.map(({ reason }) => reason)
  }

  /** Resolves with the session that came as the nth. */
  async session(nth = 1): Promise<ClientSession> {
    await expect.poll(() => this.connected.length).toBeGreaterThanOrEqual(nth)
    return this.connected[nth - 1]!
  }

  /** Resolves when so many have gone. */
  async gone(count = 1): Promise<void> {
    await expect.poll(() => this.disconnected.length).toBeGreaterThanOrEqual(count)
  }
}

/** A logger that writes down what it is told, a line for each message. */
export function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const write = (...message: unknown[]): void => {
    lines.push(message.map(String).join(' '))
  }
  return { logger: { debug: write, info: write, warn: write, error: write }, lines }
}
