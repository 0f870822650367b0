import { Peer } from './client/peer.js'
import {
  RELAY,
  type Context,
  type InnerContext,
  type Progress,
  type Relay,
  type RelaySession,
} from './components/context.js'
import { InputRequired } from './components/input-required.js'
import { rawQuestion, type Question } from './components/questions.js'
import { methodNotFound, ProtocolError, ResourceNotFoundError } from './errors.js'
import { META } from './protocol/era.js'
import { isObject } from './protocol/json-rpc.js'
import type { ParamsOf, ResultOf, RunKind } from './protocol/kinds.js'
import type { ContentBlock, JsonObject } from './protocol/types.js'
import type { Transport } from './transports/transport.js'

/** How a run of each kind is asked for. */
const METHODS: { readonly [K in RunKind]: string } = {
  tool: 'tools/call',
  resource: 'resources/read',
  prompt: 'prompts/get',
}

/** Members of a result that only concern the connection it came over. */
const OF_THE_CONNECTION = new Set(['resultType', 'ttlMs', 'cacheScope'])

/**
 * Runs a server's components over a connection in memory, so that it has sessions of its own:
 * one for each session of the server in front, in the same era, with the same client behind it.
 */
export class Isolation {
  readonly #connect: () => Promise<Transport>
  readonly #links = new Map<string, Promise<Link>>()

  /** `connect` gives the client's end of a new connection. */
  constructor(connect: () => Promise<Transport>) {
    this.#connect = connect
  }

  async run<K extends RunKind>(
    kind: K,
    key: string,
    params: ParamsOf<K>,
    context: Context,
  ): Promise<ResultOf<K> | InputRequired> {
    const { session } = relayOf(context)
    const link = await (session === undefined ? this.#link(context) : this.#linkOf(session, context))
    try {
      return (await link.run(METHODS[kind], paramsOf(kind, key, params), context)) as
        ResultOf<K> | InputRequired
    } catch (error) {
      throw withOwnClass(error)
    } finally {
      if (session === undefined) await link.close()
    }
  }

  /** End every session that it has with the server. */
  async close(): Promise<void> {
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const link of links) await link.then((opened) => opened.close()).catch(() => undefined)
  }

  /** The session that belongs to one in front, and ends with it. */
  #linkOf(session: RelaySession, context: Context): Promise<Link> {
    const known = this.#links.get(session.id)
    if (known !== undefined) return known
    const opening = this.#link(context, () => {
      forget()
    })
    this.#links.set(session.id, opening)
    let unfollow = (): void => undefined
    const forget = (): void => {
      if (this.#links.get(session.id) === opening) this.#links.delete(session.id)
      unfollow()
    }
    unfollow = session.follow({
      ended: () => {
        forget()
        opening.then((link) => link.close()).catch(() => undefined)
      },
      rootsChanged: () => {
        opening
          .then((link) => {
            link.notify('notifications/roots/list_changed')
          })
          .catch(() => undefined)
      },
    })
    opening.catch(forget)
    return opening
  }

  async #link(context: Context, onClose: () => void = () => undefined): Promise<Link> {
    const link = new Link(await this.#connect(), relayOf(context).session, onClose)
    try {
      await link.open(context)
      return link
    } catch (error) {
      await link.close()
      throw error
    }
  }
}

/** One session with the server, on behalf of one client. */
class Link {
  readonly #peer: Peer
  readonly #front: RelaySession | undefined
  /** The calls that are under way, the latest last, by their progress tokens. */
  readonly #calls = new Map<unknown, { readonly context: Context; readonly relay: Relay }>()
  #lastToken = 0

  /** `front` is the client's own session, if it has one. */
  constructor(transport: Transport, front: RelaySession | undefined, onClose: () => void) {
    this.#front = front
    this.#peer = new Peer(transport, {
      onClose,
      onRequest: (method, params) => this.#ask(method, params),
      onNotification: (method, params) => {
        this.#told(method, params)
      },
    })
  }

  /** Introduce the client that is in front. A 2026-07-28 one is introduced with each request. */
  async open(context: Context): Promise<void> {
    await this.#peer.start()
    const { era, protocolVersion } = context.client
    if (era !== '2025-11-25') return
    const token = this.#begin(context)
    try {
      await this.#peer.request('initialize', {
        protocolVersion,
        capabilities: context.client.capabilities,
        clientInfo: infoOf(context),
      })
      this.#peer.notify('notifications/initialized', {})
      await this.#peer.request('logging/setLevel', { level: 'debug' })
    } finally {
      this.#calls.delete(token)
    }
  }

  notify(method: string): void {
    this.#peer.notify(method, {})
  }

  async run(method: string, params: JsonObject, context: Context): Promise<object> {
    const token = this.#begin(context)
    try {
      const { wantsProgress } = relayOf(context)
      const _meta = { ...(wantsProgress && { progressToken: token }), ...envelopeOf(context) }
      const result = await this.#peer.request(
        method,
        { ...params, ...backOf(context), _meta },
        context.signal,
      )
      return result['resultType'] === 'input_required' ? requiredOf(result) : resultOf(result)
    } finally {
      this.#calls.delete(token)
    }
  }

  async close(): Promise<void> {
    await this.#peer.close()
  }

  #begin(context: Context): number {
    const token = (this.#lastToken += 1)
    this.#calls.set(token, { context, relay: relayOf(context) })
    return token
  }

  /** The server asks the client, on behalf of a call, the latest if there are several. */
  async #ask(method: string, params: JsonObject): Promise<object> {
    if (method === 'ping') return {}
    const question = rawQuestion(method, params)
    const asked = this.#latest ?? this.#front
    if (asked === undefined || question === undefined) throw methodNotFound(method)
    return asked.ask(question)
  }

  #told(method: string, params: JsonObject): void {
    if (method === 'notifications/progress') {
      const { progressToken, progress, total, message } = params
      const call = this.#calls.get(progressToken)
      void call?.context.reportProgress({ progress, total, message } as Progress)
    }
    if (method === 'notifications/message') this.#latest?.tell(params)
    const { content } = params
    if (method === 'notifications/tool/streamContent' && Array.isArray(content))
      void this.#latest?.stream(content as ContentBlock[])
  }

  /** What belongs to no call is taken for the latest one's. */
  get #latest(): Relay | undefined {
    return [...this.#calls.values()].at(-1)?.relay
  }
}

function paramsOf<K extends RunKind>(kind: K, key: string, params: ParamsOf<K>): JsonObject {
  return kind === 'resource' ? { uri: key } : { name: key, arguments: params }
}

function infoOf({ client: { name = 'unknown', version = '0' } }: Context): JsonObject {
  return { name, version }
}

function relayOf(context: Context): Relay {
  return (context as Context & InnerContext)[RELAY]()
}

/** What a 2026-07-28 client says of itself with each request. All levels are logged: who is in front drops what is too low. */
function envelopeOf(context: Context): JsonObject {
  const { era, protocolVersion, name } = context.client
  if (era !== '2026-07-28') return {}
  return {
    [META.protocolVersion]: protocolVersion,
    [META.clientCapabilities]: context.client.capabilities,
    [META.logLevel]: 'debug',
    ...(name !== undefined && { [META.clientInfo]: infoOf(context) }),
  }
}

/** What the client answered to questions of an earlier round. */
function backOf({ client, inputResponses, requestState }: Context): JsonObject {
  if (client.era !== '2026-07-28') return {}
  return {
    ...(inputResponses !== undefined && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  }
}

function requiredOf({ inputRequests, requestState }: JsonObject): InputRequired {
  const questions = Object.entries(isObject(inputRequests) ? inputRequests : {}).flatMap(([key, asked]) => {
    const { method, params } = isObject(asked) ? asked : {}
    const question = rawQuestion(method, isObject(params) ? params : {}, key)
    return question === undefined ? [] : [[key, question] as [string, Question]]
  })
  return new InputRequired({ inputRequests: Object.fromEntries(questions), requestState })
}

function resultOf(result: JsonObject): JsonObject {
  const { _meta: meta, ...others } = result
  const kept = without(others, (member) => OF_THE_CONNECTION.has(member))
  if (!isObject(meta)) return kept
  const rest = without(meta, (member) => member === META.serverInfo)
  return Object.keys(rest).length === 0 ? kept : { ...kept, _meta: rest }
}

function without(object: JsonObject, isMeant: (member: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([member]) => !isMeant(member)))
}

/** Errors crossed as JSON: one that names a resource is renamed on its way out, as any other. */
function withOwnClass(error: unknown): unknown {
  if (!(error instanceof ProtocolError) || !isObject(error.data)) return error
  const { uri } = error.data
  return typeof uri === 'string' && error.message.startsWith('Resource not found')
    ? new ResourceNotFoundError(uri)
    : error
}
