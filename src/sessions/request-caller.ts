import type { Caller } from '../components/context.js'
import type { RequestFacts } from './sinks.js'

/** Headers that no handler needs and no log should hold. */
const SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'])

/** Who makes one request, within what, and with which headers. */
export class RequestCaller implements Caller {
  readonly info: Caller['info']
  readonly capabilities: Caller['capabilities']
  readonly protocolVersion: Caller['protocolVersion']
  readonly era: Caller['era']
  readonly conversation: Caller['conversation']
  readonly connectionId: Caller['connectionId']
  readonly #facts: RequestFacts
  #headers: Caller['headers']

  constructor(caller: Caller, facts: RequestFacts) {
    const { info, capabilities, protocolVersion, era, conversation, connectionId } = caller
    this.info = info
    this.capabilities = capabilities
    this.protocolVersion = protocolVersion
    this.era = era
    this.conversation = conversation
    this.connectionId = connectionId
    this.#facts = facts
  }

  get auth(): unknown {
    return this.#facts.credentials.auth
  }

  get principal(): string | undefined {
    return this.#facts.credentials.principal
  }

  get scheme(): Caller['scheme'] {
    return this.#facts.credentials.scheme
  }

  get via(): string | undefined {
    return this.#facts.headers?.['via']
  }

  get headers(): Caller['headers'] {
    const { headers } = this.#facts
    if (headers === undefined) return undefined
    return (this.#headers ??= Object.fromEntries(
      Object.entries(headers).filter(([name]) => !SENSITIVE.has(name)),
    ))
  }
}
