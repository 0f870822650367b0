import type { Caller } from '../components/context.js'
import type { HttpFacts } from './sinks.js'

/** Headers that no handler needs and no log should hold. */
const SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'])

/** Who makes one request, within what, and with which headers. */
export class RequestCaller implements Caller {
  readonly info: Caller['info']
  readonly capabilities: Caller['capabilities']
  readonly protocolVersion: Caller['protocolVersion']
  readonly era: Caller['era']
  readonly conversation: Caller['conversation']
  readonly #http: HttpFacts
  #headers: Caller['headers']

  constructor({ info, capabilities, protocolVersion, era, conversation }: Caller, http: HttpFacts) {
    this.info = info
    this.capabilities = capabilities
    this.protocolVersion = protocolVersion
    this.era = era
    this.conversation = conversation
    this.#http = http
  }

  get via(): string | undefined {
    return this.#http.headers['via']
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= Object.fromEntries(
      Object.entries(this.#http.headers).filter(([name]) => !SENSITIVE.has(name)),
    ))
  }
}
