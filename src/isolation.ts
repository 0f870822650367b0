import { Peer } from './client/peer.js'
import { RELAY, type Context, type InnerContext, type Progress, type Relay } from './components/context.js'
import { InputRequired } from './components/input-required.js'
import { rawQuestion, type Question } from './components/questions.js'
import { methodNotFound, ProtocolError, ResourceNotFoundError } from './errors.js'
import { META } from './protocol/era.js'
import { isObject } from './protocol/json-rpc.js'
import type { ParamsOf, ResultOf, RunKind } from './protocol/kinds.js'
import type { JsonObject } from './protocol/types.js'
import type { ClientSession } from './sessions/client-session.js'
import type { Connected } from './sessions/server-events.js'
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
  readonly #front: Connected
  readonly #links = new Map<string, Promise<Link>>()

  /** `connect` gives the client's end of a new connection; `front` are the sessions of the server in front. */
  constructor(connect: () => Promise<Transport>, front: Connected) {
    this.#connect = connect
    this.#front = front
  }

  async run<K extends RunKind>(
    kind: K,
    key: string,
    params: ParamsOf<K>,
    context: Context,
  ): Promise<ResultOf<K> | InputRequired> {
    const session = this.#front.sessions.find(
      ({ id, era }) => id === context.sessionId && era === '2025-11-25',
    )
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
  #linkOf(session: ClientSession, context: Context): Promise<Link> {
    const known = this.#links.get(session.id)
    if (known !== undefined) return known
    const opening = this.#link(context, () => {
      forget()
    })
    this.#links.set(session.id, opening)
    const forget = (): void => {
      if (this.#links.get(session.id) === opening) this.#links.delete(session.id)
      this.#front.events.off('disconnect', onDisconnect)
      session.off('rootsChanged', onRootsChanged)
      void opening.then((link) => link.close()).catch(() => undefined)
    }
    const onDisconnect = (event: { session: ClientSession }): void => {
      if (event.session === session) forget()
    }
    const onRootsChanged = (): void => {
      void opening.then((link) => {
        link.notify('notifications/roots/list_changed')
      })
    }
    this.#front.events.on('disconnect', onDisconnect)
    session.on('rootsChanged', onRootsChanged)
    opening.catch(forget)
    return opening
  }

  async #link(context: Context, onClose: () => void = () => undefined): Promise<Link> {
    const link = new Link(await this.#connect(), onClose)
    await link.open(context)
    return link
  }
}

/** One session with the server, on behalf of one client. */
class Link {
  readonly #peer: Peer
  /** The calls that are under way, the latest last, by their progress tokens. */
  readonly #calls = new Map<unknown, { readonly context: Context; readonly relay: Relay }>()
  #lastToken = 0

  constructor(transport: Transport, onClose: () => void) {
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
        capabilities: capabilitiesOf(context),
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
      const _meta = { progressToken: token, ...envelopeOf(context) }
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
    this.#calls.set(token, { context, relay: (context as Context & InnerContext)[RELAY]() })
    return token
  }

  /** The server asks the client, on behalf of a call, the latest if there are several. */
  async #ask(method: string, params: JsonObject): Promise<object> {
    if (method === 'ping') return {}
    const call = [...this.#calls.values()].at(-1)
    const question = rawQuestion(method, params)
    if (call === undefined || question === undefined) throw methodNotFound(method)
    return call.relay.ask(question)
  }

  #told(method: string, params: JsonObject): void {
    if (method === 'notifications/progress') {
      const { progressToken, progress, total, message } = params
      const call = this.#calls.get(progressToken)
      void call?.context.reportProgress({ progress, total, message } as Progress)
    }
    if (method === 'notifications/message') [...this.#calls.values()].at(-1)?.relay.tell(params)
  }
}

function paramsOf<K extends RunKind>(kind: K, key: string, params: ParamsOf<K>): JsonObject {
  return kind === 'resource' ? { uri: key } : { name: key, arguments: params }
}

function infoOf({ client: { name = 'unknown', version = '0' } }: Context): JsonObject {
  return { name, version }
}

/** A client's capabilities, without what would be streamed twice: as progress, and in a notification of its own. */
function capabilitiesOf({ client: { capabilities } }: Context): JsonObject {
  const { experimental, ...others } = capabilities as JsonObject
  if (!isObject(experimental)) return others
  return { ...others, experimental: without(experimental, (name) => name === 'streamContent') }
}

/** What a 2026-07-28 client says of itself with each request. All levels are logged: who is in front drops what is too low. */
function envelopeOf(context: Context): JsonObject {
  const { era, protocolVersion, name } = context.client
  if (era !== '2026-07-28') return {}
  return {
    [META.protocolVersion]: protocolVersion,
    [META.clientCapabilities]: capabilitiesOf(context),
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
