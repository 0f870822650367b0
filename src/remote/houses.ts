import { ANY_ERA } from '../client/negotiation.js'
import type { Caller, RelaySession } from '../components/context.js'
import { BusyError } from '../errors.js'
import type { ClientCapabilities } from '../protocol/types.js'
import type { Credentials } from '../sessions/sinks.js'
import { Ending } from './ending.js'
import type { Health } from './health.js'
import { House } from './house.js'
import { hearEverything, type LinkStart, type MakeLink } from './link-maker.js'
import type { Limits, UpstreamSettings } from './options.js'

/** Everything that a connection for all may be asked: whether it can is found out from the client that is meant. */
const ALL: ClientCapabilities = {
  roots: {},
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
}

/** Where lists come from: for most callers from one place, for some from one of their own. */
export class Houses {
  readonly #settings: UpstreamSettings
  readonly #limits: Limits
  readonly #health: Health
  readonly #makeLink: MakeLink
  readonly #houses = new Map<string, House>()
  readonly #ending = new Ending()
  readonly #isShared: boolean

  constructor(settings: UpstreamSettings, limits: Limits, health: Health, makeLink: MakeLink) {
    this.#settings = settings
    this.#limits = limits
    this.#health = health
    this.#makeLink = makeLink
    this.#isShared = isShared(settings)
  }

  get size(): number {
    return this.#houses.size
  }

  /** That of everybody who has none of his own. */
  get common(): House | undefined {
    return this.#houses.get('')
  }

  /** Where lists come from for somebody. */
  for(caller: Caller | undefined, headers = this.headersFor(caller)): House {
    const session = this.sessionAlone(caller)
    const who = this.credentialsOf(caller)
    const isAnybodys = headers === undefined && session === undefined && who === undefined
    const key = isAnybodys ? '' : keyOf(headers, session, who?.principal)
    const known = this.#houses.get(key)
    if (known !== undefined) return known
    if (session !== undefined && this.#houses.size >= this.#limits.maxHouses)
      throw new BusyError(this.#settings.name)
    const house =
      caller === undefined || session === undefined
        ? this.#forMany(headers, who)
        : this.#forSession(session, key, caller)
    this.#houses.set(key, house)
    if (this.#houses.size > this.#limits.maxHouses) this.#dropOldest(key)
    return house
  }

  headersFor(caller: Caller | undefined): Readonly<Record<string, string>> | undefined {
    return this.#settings.headers?.({ headers: caller?.headers, session: caller?.auth, client: caller })
  }

  /** Who asks, where the server is told that and there is anything to tell. */
  credentialsOf(caller: Caller | undefined): Credentials | undefined {
    const { auth, principal, scheme } = caller ?? {}
    return this.#settings.tellsWho === true && principal !== undefined
      ? { auth, principal, scheme: scheme as Credentials['scheme'] }
      : undefined
  }

  /** A session in front that gets all of the server for itself, as processes are meant to be used. */
  sessionAlone(caller: Caller | undefined): RelaySession | undefined {
    return this.#settings.connector.kind === 'process' && !this.#isShared ? caller?.conversation : undefined
  }

  async close(): Promise<void> {
    const houses = [...this.#houses.values()]
    this.#houses.clear()
    for (const house of houses) this.#ending.end(house)
    await this.#ending.settled()
  }

  #forMany(
    headers: Readonly<Record<string, string>> | undefined,
    credentials: Credentials | undefined,
  ): House {
    const { info, era = 'auto', connector } = this.#settings
    // Where each call is not sent with who makes it, it is not known yet who that will be.
    const isAnybodys = this.#isShared || connector.kind === 'process'
    return this.#house({
      linkFor: 'many',
      introduction: { info, capabilities: isAnybodys ? ALL : {} },
      eras: era === 'auto' ? ANY_ERA : [era],
      headers,
      credentials,
      ...(isAnybodys && { onOpen: hearEverything }),
    })
  }

  /** One that belongs to a session in front, and ends with it. */
  #forSession(session: RelaySession, key: string, { info, capabilities }: Caller): House {
    const { era = 'auto' } = this.#settings
    const eras = era === 'auto' ? [...ANY_ERA].reverse() : [era]
    const house = this.#house({
      linkFor: { session },
      introduction: { info, capabilities },
      eras,
      onOpen: hearEverything,
    })
    let unfollow = (): void => undefined
    unfollow = session.follow({
      ended: () => {
        unfollow()
        if (this.#houses.get(key) === house) this.#houses.delete(key)
        this.#ending.end(house)
      },
      rootsChanged: () => {
        house.link.connection.notify('notifications/roots/list_changed')
      },
    })
    return house
  }

  #house(start: LinkStart): House {
    const { onHeard, onProblem, elsewhere, listens = true } = this.#settings
    return new House({
      elsewhere,
      listens,
      health: this.#health,
      timeoutMs: this.#limits.timeoutMs,
      onHeard,
      onProblem,
      makeLink: ({ onOpen, ...handlers }) =>
        this.#makeLink({
          ...start,
          ...handlers,
          onOpen: async (connection) => {
            await start.onOpen?.(connection)
            await onOpen?.(connection)
          },
        }),
    })
  }

  #dropOldest(newest: string): void {
    for (const [key, house] of this.#houses) {
      if (key === newest) continue
      this.#houses.delete(key)
      this.#ending.end(house)
      return
    }
  }
}

/** Whether there is one connection for all. A transport that was given can be connected once. */
export function isShared({ shared, connector }: UpstreamSettings): boolean {
  return shared === true || connector.kind === 'given'
}

function keyOf(
  headers: Readonly<Record<string, string>> | undefined,
  session: RelaySession | undefined,
  principal: string | undefined,
): string {
  return JSON.stringify([session?.id, principal, Object.entries(headers ?? {}).sort()])
}
