/** An official client with every capability, which records what it is asked and told. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js'

const REQUEST_MS = 10_000

/** Notifications of which the client keeps the parameters. Of others it keeps that they came. */
const KEPT = [
  'notifications/message',
  'notifications/resources/updated',
  'notifications/elicitation/complete',
]

/** Connects a client. `roots` are paths that the client declares; false leaves the capability out. */
export async function connect(transport, { roots }) {
  const asked = {}
  const told = {}
  const capabilities = { sampling: {}, elicitation: { form: {}, url: {} } }
  if (roots !== false) capabilities.roots = { listChanged: true }
  const client = new Client(
    { name: 'interop', title: 'Interoperability', version: '1.2.3' },
    { capabilities },
  )
  const answer = (schema, method, handler) =>
    client.setRequestHandler(schema, ({ params }) => {
      ;(asked[method] ??= []).push(withoutTokens(params ?? {}))
      return handler(params)
    })
  answer(CreateMessageRequestSchema, 'sampling/createMessage', sample)
  answer(ElicitRequestSchema, 'elicitation/create', elicit)
  if (roots !== false)
    answer(ListRootsRequestSchema, 'roots/list', () => ({
      roots: roots.map((path) => ({ uri: `file://${path}`, name: path.split('/').at(-1) })),
    }))
  client.fallbackNotificationHandler = async ({ method, params }) => {
    ;(told[method] ??= []).push(KEPT.includes(method) ? params : null)
  }
  await client.connect(transport, { timeout: REQUEST_MS })
  return { client, asked, told }
}

/** Sends a request. Gives its result or its error, and the progress that was reported. */
export async function request(client, { method, params = {}, progress = false }) {
  const reports = []
  const options = { timeout: REQUEST_MS }
  if (progress) options.onprogress = (report) => reports.push(report)
  const outcome = await client.request({ method, params }, ResultSchema, options).then(
    (result) => ({ result }),
    ({ name, code, message, data }) => ({ error: { name, code, message, data } }),
  )
  return progress ? { ...outcome, progress: reports } : outcome
}

/** Requests all pages of a list. */
export async function list(client, method, member) {
  const items = []
  let cursor
  do {
    const { result, error } = await request(client, {
      method,
      params: cursor === undefined ? {} : { cursor },
    })
    if (error !== undefined) return { error }
    items.push(...(result[member] ?? []))
    cursor = result.nextCursor
  } while (cursor !== undefined)
  return items
}

/** The sender of a request chooses its progress token, so that only the token may differ. */
function withoutTokens({ _meta = {}, ...params }) {
  const rest = Object.entries(_meta).filter(([name]) => name !== 'progressToken')
  return rest.length === 0 ? params : { ...params, _meta: Object.fromEntries(rest) }
}

function sample({ messages, maxTokens }) {
  const text = `${messages.length} messages, at most ${maxTokens} tokens`
  return { role: 'assistant', model: 'interop-model', stopReason: 'endTurn', content: { type: 'text', text } }
}

/** Accepts, and fills in the fields that are required and one that is not. */
function elicit({ mode, requestedSchema }) {
  if (mode === 'url') return { action: 'accept' }
  const { properties = {}, required = [] } = requestedSchema
  const names = Object.keys(properties).filter((name, at) => required.includes(name) || at === 1)
  return {
    action: 'accept',
    content: Object.fromEntries(names.map((name) => [name, example(properties[name])])),
  }
}

function example({ type, default: preset, enum: values }) {
  if (preset !== undefined) return preset
  if (values !== undefined) return values[0]
  if (type === 'boolean') return true
  if (type === 'number' || type === 'integer') return 7
  return 'something'
}
