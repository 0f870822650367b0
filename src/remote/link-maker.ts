import type { Opened } from '../client/connection.js'
import type { Introduction } from '../client/negotiation.js'
import { SessionForgottenError } from '../errors.js'
import type { EraName } from '../protocol/era.js'
import type { Credentials } from '../sessions/sinks.js'
import { Link, type LinkFor } from './link.js'
import type { Limits, UpstreamSettings } from './options.js'

/** What a link is made for, and who hears of what. */
export interface LinkStart {
  readonly linkFor: LinkFor
  readonly introduction: Introduction
  /** The eras that may be spoken, the best first. */
  readonly eras: readonly EraName[]
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly credentials?: Credentials | undefined
  readonly onNotification?: ConstructorParameters<typeof Link>[1]['onNotification']
  readonly onOpen?: ((connection: Opened) => Promise<void>) | undefined
  readonly onResumed?: (() => void) | undefined
  readonly onLost?: (() => void) | undefined
}

export type MakeLink = (start: LinkStart) => Link

/** Makes links to one server. */
export function linkMaker(
  { name, connector, signature, onProblem }: UpstreamSettings,
  { connectTimeoutMs }: Limits,
): MakeLink {
  const via = connector.kind === 'http' ? { via: signature } : {}
  return ({ linkFor, headers, credentials, ...start }) =>
    new Link(linkFor, {
      ...start,
      connector,
      credentials,
      headers: { ...via, ...headers },
      openTimeoutMs: connectTimeoutMs,
      onStray: (problem) => {
        onProblem(`Upstream '${name}': ${problem}`)
      },
    })
}

/** How long a server may take to note from what level on its log is wanted, in milliseconds. */
const LOG_TIMEOUT_MS = 5000

/** Have the whole log sent: who is in front drops what is below the level that its client wants. */
export async function hearEverything({ agreement, request }: Opened): Promise<void> {
  if (agreement.era !== '2025-11-25' || agreement.capabilities.logging === undefined) return
  await request('logging/setLevel', { level: 'debug' }, { timeoutMs: LOG_TIMEOUT_MS }).catch(
    (error: unknown) => {
      if (error instanceof SessionForgottenError) throw error
    },
  )
}
