/** Gathers all that a client sees of a server, in a form that can be compared. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect, list, request } from './client.mjs'

const LISTS = {
  tools: 'tools/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  prompts: 'prompts/list',
}
/** The capability that the methods of a prefix belong to. */
const CAPABILITIES = {
  tools: 'tools',
  resources: 'resources',
  prompts: 'prompts',
  completion: 'completions',
  logging: 'logging',
}
/** How many components of a kind are tried that the entry of the server does not name. */
const MOST = 4
/** A server registers tools, or asks for roots, some time after it was told `initialized`. */
const SETTLE_MS = 800

/**
 * Observes a server. Without a plan it makes one, of what the server declares and lists; with the plan of another
 * observation it sends the same requests.
 */
export async function observe(transport, { roots, calls = [], generic = true }, given) {
  const { client, asked, told } = await connect(transport, { roots })
  try {
    await delay(SETTLE_MS)
    const kinds = given?.kinds ?? declaredKinds(client.getServerCapabilities())
    const lists = await allLists(client, kinds)
    const plan = given ?? { kinds, calls: planned(lists, client.getServerCapabilities(), { calls, generic }) }
    const outcomes = {}
    for (const call of plan.calls) outcomes[labelOf(call)] = await request(client, call)
    await delay(SETTLE_MS)
    const later = await allLists(client, kinds)
    const seen = {
      server: client.getServerVersion(),
      instructions: client.getInstructions(),
      capabilities: client.getServerCapabilities(),
      ...lists,
      later,
      calls: outcomes,
      asked,
      told,
    }
    // Undefined members are left out, as JSON does it.
    return { seen: JSON.parse(JSON.stringify(seen)), plan }
  } finally {
    await client.transport?.terminateSession?.().catch(() => undefined)
    await client.close()
  }
}

function declaredKinds(capabilities) {
  return Object.keys(LISTS).filter((kind) => capabilities[kind === 'resourceTemplates' ? 'resources' : kind])
}

async function allLists(client, kinds) {
  const lists = {}
  for (const kind of kinds) lists[kind] = await list(client, LISTS[kind], kind)
  return lists
}

/** No client sends requests of a kind that the server does not declare. */
function planned(lists, capabilities, { calls, generic }) {
  if (!generic) return calls
  const made = [...guesses(lists), ...mistakes(lists)].filter(({ method }) => {
    const kind = CAPABILITIES[method.split('/')[0]]
    return kind === undefined || capabilities[kind] !== undefined
  })
  return [...calls, ...made]
}

/** Requests that every server can be sent, made from what it lists. */
function guesses({ resources, resourceTemplates, prompts }) {
  return [
    { method: 'ping' },
    ...some(resources).map(({ uri }) => ({ method: 'resources/read', params: { uri } })),
    ...some(prompts).flatMap(({ name, arguments: declared = [] }) => [
      { method: 'prompts/get', params: { name, arguments: filled(declared) } },
      ...declared.slice(0, 1).map((argument) => complete({ type: 'ref/prompt', name }, argument.name)),
    ]),
    ...some(resourceTemplates).flatMap(({ uriTemplate }) => {
      const [, name] = /\{[+#./;?&]?(\w+)/.exec(uriTemplate) ?? []
      return name === undefined ? [] : [complete({ type: 'ref/resource', uri: uriTemplate }, name)]
    }),
  ]
}

/** Requests that a server has to refuse. */
function mistakes({ tools, prompts }) {
  const demanding = some(tools, ({ inputSchema }) => inputSchema?.required?.length > 0)
  const asking = some(prompts, (prompt) => prompt.arguments?.some(({ required }) => required))
  return [
    { method: 'tools/call', params: { name: 'no_such_tool', arguments: {} } },
    { method: 'resources/read', params: { uri: 'nowhere://no/such/resource' } },
    { method: 'prompts/get', params: { name: 'no_such_prompt' } },
    complete({ type: 'ref/prompt', name: 'no_such_prompt' }, 'x'),
    { method: 'logging/setLevel', params: { level: 'no_such_level' } },
    { method: 'no/such/method' },
    { method: 'tools/list', params: { cursor: 'no such cursor' } },
    ...demanding.slice(0, 2).flatMap(({ name, inputSchema }) => [
      { method: 'tools/call', params: { name, arguments: {} } },
      { method: 'tools/call', params: { name, arguments: { [inputSchema.required[0]]: [null] } } },
    ]),
    ...asking.slice(0, 1).map(({ name }) => ({ method: 'prompts/get', params: { name } })),
  ]
}

function some(list, wanted = () => true) {
  return Array.isArray(list) ? list.filter(wanted).slice(0, MOST) : []
}

function filled(declared) {
  return Object.fromEntries(declared.filter(({ required }) => required).map(({ name }) => [name, '1']))
}

function complete(ref, name) {
  return { method: 'completion/complete', params: { ref, argument: { name, value: '' } } }
}

function labelOf({ method, params = {} }) {
  return Object.keys(params).length === 0 ? method : `${method} ${JSON.stringify(params)}`
}
