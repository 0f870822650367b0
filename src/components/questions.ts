import { ClientAnswerError } from '../errors.js'
import type {
  AskingMethod,
  CreateMessageResult,
  ModelPreferences,
  Root,
  SamplingMessage,
  SamplingTool,
} from '../protocol/client-types.js'
import { isObject } from '../protocol/json-rpc.js'
import type { ClientCapabilities, JsonObject } from '../protocol/types.js'
import { formSchemaOf } from './form-schema.js'
import type { Schema, SchemaOutput } from './standard-schema.js'

/** Something that is asked of the client in the middle of a run. */
export interface Question<Answer = unknown> {
  readonly method: AskingMethod
  readonly params: JsonObject
  /** What the client must have declared to be asked this. */
  readonly requires: ClientCapabilities
  /** By what its answer is known again when the handler runs anew. */
  readonly key: string | undefined
  /** Fires when the answer is not wanted any more, although what asks goes on. */
  readonly signal?: AbortSignal | undefined
  /**
   * Makes what the client answered what the handler gets.
   * @throws ClientAnswerError for what does not fit.
   */
  read(answer: JsonObject): Answer | Promise<Answer>
}

interface Keyed {
  /**
   * By what the answer is known again in a later round (2026-07-28). Default: made from what
   * is asked; needed where the words of a question change from one run to the next.
   */
  readonly key?: string
}

/** A form for the user to fill in (client/elicitation, form mode). */
export interface ElicitForm<S extends Schema = Schema> extends Keyed {
  /** What the user reads. */
  readonly message: string
  /** The fields: an object of texts, numbers, booleans and choices, without nesting. Defaults are filled in beforehand. */
  readonly schema: S
}

/** A page for the user to open; what happens there does not pass through the client (client/elicitation, URL mode). */
export interface ElicitUrl extends Keyed {
  readonly message: string
  readonly url: string | URL
}

/** What the user did: filled in, refused, or closed without choosing. */
export type ElicitAnswer<Content> =
  | { readonly action: 'accept'; readonly content: Content }
  | { readonly action: 'decline' | 'cancel'; readonly content?: undefined }

/** Asks the user. What does not fit the schema throws `ClientAnswerError`. */
export interface Elicit {
  <S extends Schema>(form: ElicitForm<S>): Promise<ElicitAnswer<SchemaOutput<S>>>
  /** `accept` means that the user agreed to open the page, not that all is done there. */
  (page: ElicitUrl): Promise<ElicitAnswer<undefined>>
}

/** What is asked of the client's model (client/sampling). */
export interface SampleRequest extends Keyed {
  /** A text is one message of the user. */
  readonly messages: string | readonly SamplingMessage[]
  /** Default: 1024. */
  readonly maxTokens?: number
  readonly systemPrompt?: string
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly modelPreferences?: ModelPreferences
  /** Needs a client with `sampling.context`, unless `none`. */
  readonly includeContext?: 'none' | 'thisServer' | 'allServers'
  readonly metadata?: JsonObject
  /** Needs a client with `sampling.tools`, as `toolChoice` does. */
  readonly tools?: readonly SamplingTool[]
  readonly toolChoice?: { readonly mode?: 'auto' | 'required' | 'none' }
}

/** What the client's model said. */
export interface Sampled extends CreateMessageResult {
  /** The texts in `content`, one after the other. */
  readonly text: string
}

const DEFAULT_MAX_TOKENS = 1024

/** @throws TypeError for a form or a URL that MCP does not allow. */
export function elicitation(options: ElicitForm | ElicitUrl): Question<ElicitAnswer<unknown>> {
  return 'url' in options ? pageQuestion(options) : formQuestion(options)
}

function formQuestion({ message, schema, key }: ElicitForm): Question<ElicitAnswer<unknown>> {
  const form = formSchemaOf(schema)
  return {
    method: 'elicitation/create',
    params: { message, requestedSchema: form.json },
    requires: { elicitation: { form: {} } },
    key,
    async read(answer) {
      const action = actionOf(answer)
      if (action !== 'accept') return { action }
      const checked = await form.check(answer['content'] ?? {})
      if ('problem' in checked)
        throw new ClientAnswerError(`The answer to "${message}" does not fit: ${checked.problem}`)
      return { action, content: checked.value }
    },
  }
}

function pageQuestion({ message, url, key }: ElicitUrl): Question<ElicitAnswer<unknown>> {
  return {
    method: 'elicitation/create',
    params: { mode: 'url', message, url: new URL(url).href },
    requires: { elicitation: { url: {} } },
    key,
    read(answer) {
      const action = actionOf(answer)
      return action === 'accept' ? { action, content: undefined } : { action }
    },
  }
}

function actionOf({ action }: JsonObject): 'accept' | 'decline' | 'cancel' {
  if (action === 'accept' || action === 'decline' || action === 'cancel') return action
  throw new ClientAnswerError(
    'The client answered an elicitation with neither accept, nor decline, nor cancel',
  )
}

export function sampling(request: SampleRequest): Question<Sampled> {
  const { messages, key, maxTokens = DEFAULT_MAX_TOKENS, ...rest } = request
  const needsTools = rest.tools !== undefined || rest.toolChoice !== undefined
  const needsContext = rest.includeContext !== undefined && rest.includeContext !== 'none'
  return {
    method: 'sampling/createMessage',
    params: { messages: messagesOf(messages), maxTokens, ...rest },
    requires: {
      sampling: { ...(needsTools ? { tools: {} } : {}), ...(needsContext ? { context: {} } : {}) },
    },
    key,
    read: readSampled,
  }
}

function messagesOf(messages: SampleRequest['messages']): readonly SamplingMessage[] {
  if (typeof messages !== 'string') return messages
  return [{ role: 'user', content: { type: 'text', text: messages } }]
}

function readSampled(answer: JsonObject): Sampled {
  const { role, content, model } = answer
  const parts = Array.isArray(content) ? (content as unknown[]) : [content]
  const isReadable = parts.every((part) => isObject(part) && typeof part['type'] === 'string')
  if ((role !== 'assistant' && role !== 'user') || typeof model !== 'string' || !isReadable)
    throw new ClientAnswerError('The client answered a sampling request with what is no message')
  const texts = (parts as JsonObject[]).map((part) => (part['type'] === 'text' ? part['text'] : undefined))
  return { ...(answer as unknown as CreateMessageResult), text: texts.filter(isText).join('') }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function rootsQuestion(): Question<readonly Root[]> {
  return { method: 'roots/list', params: {}, requires: { roots: {} }, key: undefined, read: readRoots }
}

/** How many roots are taken, and how long they may be together, as JSON. */
const MAX_ROOTS = 1000
const MAX_ROOTS_LENGTH = 256 * 1024

function readRoots({ roots }: JsonObject): readonly Root[] {
  const isReadable = Array.isArray(roots) && roots.every((root) => isObject(root) && isText(root['uri']))
  if (!isReadable) throw new ClientAnswerError('The client answered roots/list with what is no list of roots')
  if (roots.length > MAX_ROOTS || JSON.stringify(roots).length > MAX_ROOTS_LENGTH)
    throw new ClientAnswerError('The client answered roots/list with too much')
  return roots as Root[]
}

/** A question in the protocol's own words, whose answer is taken as it comes; `undefined` for what no client is asked. */
export function rawQuestion(
  method: unknown,
  params: JsonObject,
  { key, signal }: Pick<Partial<Question>, 'key' | 'signal'> = {},
): Question<JsonObject> | undefined {
  const mode = typeof params['mode'] === 'string' ? params['mode'] : 'form'
  const required: Record<AskingMethod, ClientCapabilities> = {
    'elicitation/create': { elicitation: { [mode]: {} } },
    'sampling/createMessage': { sampling: params['tools'] === undefined ? {} : { tools: {} } },
    'roots/list': { roots: {} },
  }
  if (typeof method !== 'string' || !Object.hasOwn(required, method)) return undefined
  const asking = method as AskingMethod
  return { method: asking, params, requires: required[asking], key, signal, read: (answer) => answer }
}

/** What of `requires` a client has not declared, or `undefined` if it has all. */
export function missingCapabilities(
  requires: ClientCapabilities,
  declared: ClientCapabilities,
): ClientCapabilities | undefined {
  const missing = Object.entries(requires).filter(([name, modes]) => {
    const has: unknown = declared[name as keyof ClientCapabilities]
    if (!isObject(has)) return true
    return Object.keys(modes as JsonObject).some((mode) => !supports(name, has, mode))
  })
  return missing.length === 0 ? undefined : Object.fromEntries(missing)
}

/** Elicitation without a mode means forms (client/elicitation, Capabilities). */
function supports(capability: string, declared: JsonObject, mode: string): boolean {
  if (mode in declared) return true
  return capability === 'elicitation' && mode === 'form' && !('url' in declared)
}
