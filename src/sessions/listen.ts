import type { Caller } from '../components/context.js'
import { ErrorCode, invalidParams, ProtocolError } from '../errors.js'
import { META } from '../protocol/era.js'
import { isObject } from '../protocol/json-rpc.js'
import { COMPONENT_KINDS, KINDS } from '../protocol/kinds.js'
import type { JsonObject } from '../protocol/types.js'
import type { Audience, Changes } from './change-notifier.js'
import type { Exchange } from './exchange.js'
import type { Services } from './services.js'

/** How many clients may listen at once, and to how many resources each. */
const MAX_LISTENERS = 10_000
const MAX_RESOURCES = 1000

/** How long each of their URIs may be, and all of them together, in characters. */
const MAX_URI_LENGTH = 8 * 1024
const MAX_URIS_LENGTH = 128 * 1024

/** What a client asked to hear of. */
interface Filter {
  /** Notification methods. */
  readonly lists: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  /** The same in the words of the protocol. */
  readonly acknowledged: JsonObject
}

/** One `subscriptions/listen`: acknowledged first, then told of what it asked for, until either side ends it. */
export class Listen implements Audience {
  readonly #exchange: Exchange
  readonly #services: Services
  readonly #filter: Filter

  /** @throws ProtocolError where the filter cannot be read. */
  constructor(exchange: Exchange, services: Services) {
    const { params = {} } = exchange.start.request
    this.#exchange = exchange
    this.#services = services
    this.#filter = readFilter(params['notifications'])
  }

  /** @throws ProtocolError where too many listen already. */
  begin(): void {
    const { changes, watches } = this.#services
    if (changes.listeners >= MAX_LISTENERS)
      throw new ProtocolError(ErrorCode.InternalError, 'Too many subscriptions are open')
    if (this.#filter.lists.size === 0 && this.#filter.resources.size === 0) {
      this.#acknowledge()
      this.dismiss()
      return
    }
    const { caller } = this.#exchange.start
    const listener = (): Caller => caller
    const ready = [...this.#filter.resources].map((uri) => watches.add(uri, listener))
    this.#exchange.whenOver(() => {
      changes.delete(this)
      for (const uri of this.#filter.resources) watches.delete(uri, listener)
    })
    // What changes after it has been acknowledged is heard of.
    if (ready.length === 0) {
      this.#listen()
      return
    }
    const come = changes.expect()
    void Promise.all(ready).then(() => {
      come()
      if (!this.#exchange.isOver) this.#listen()
    })
  }

  changed(changes: Changes): void {
    for (const method of changes.lists) if (this.#filter.lists.has(method)) this.#tell(method, {})
    const { caller } = this.#exchange.start
    for (const uri of changes.resources)
      if (this.#filter.resources.has(uri))
        this.#services.whenHeard(uri, caller, () => {
          this.#tell('notifications/resources/updated', { uri })
        })
  }

  /** End it as the server: the client gets the empty result that says so. */
  dismiss(): void {
    this.#exchange.answer({ _meta: this.#stamp })
  }

  #acknowledge(): void {
    this.#tell('notifications/subscriptions/acknowledged', { notifications: this.#filter.acknowledged })
  }

  #listen(): void {
    this.#acknowledge()
    this.#services.changes.add(this)
  }

  get #stamp(): JsonObject {
    return { [META.subscriptionId]: this.#exchange.start.request.id }
  }

  #tell(method: string, params: object): void {
    void this.#exchange.notify(method, { ...params, _meta: this.#stamp })
  }
}

function readFilter(filter: unknown): Filter {
  if (!isObject(filter)) throw invalidParams('"notifications" must say what to listen to')
  const lists = new Set<string>()
  const acknowledged: JsonObject = {}
  for (const { listenFilter, listChanged } of COMPONENT_KINDS.map((kind) => KINDS[kind])) {
    if (filter[listenFilter] !== true) continue
    lists.add(listChanged)
    acknowledged[listenFilter] = true
  }
  const uris = readUris(filter['resourceSubscriptions'])
  if (uris.length > 0) acknowledged['resourceSubscriptions'] = uris
  return { lists, resources: new Set(uris), acknowledged }
}

function readUris(uris: unknown = []): string[] {
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string' && uri.length <= MAX_URI_LENGTH))
    throw invalidParams('"resourceSubscriptions" must be a list of URIs')
  if (uris.length > MAX_RESOURCES) throw invalidParams(`No more than ${MAX_RESOURCES} resource subscriptions`)
  if (uris.join('').length > MAX_URIS_LENGTH)
    throw invalidParams(`No more than ${MAX_URIS_LENGTH} characters of resource subscriptions`)
  return uris as string[]
}
