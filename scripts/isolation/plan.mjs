/** Plans each call, from the random numbers of its caller. */
import { FAULTS, HTTP_FAULTS, NEEDS_END, STDIO_FAULTS } from './faults.mjs'
import { GATEWAYS, routeOf, UPSTREAMS } from './network.mjs'
import { tagToPath } from './tags.mjs'

const DOINGS = { echo: 18, chat: 30, ask: 22, roots: 8, headers: 8, read: 4, prompt: 4, complete: 3 }
const TOOLS = ['echo', 'chat', 'ask', 'roots', 'headers']

/** How many calls are called off, in a hundred, and how many of scripted upstreams go wrong. */
const CALLED_OFF = 14
const FAULTY = 22

function weighted(random, weights) {
  const entries = Object.entries(weights)
  let at = random.below(entries.reduce((sum, [, weight]) => sum + weight, 0))
  return entries.find(([, weight]) => (at -= weight) < 0)[0]
}

/** A gateway that lets a caller in. */
export function gatewayFor(random, caller) {
  const names = Object.keys(GATEWAYS).filter((name) => (GATEWAYS[name].isSecured === true) === caller.hasKey)
  return random.of(names)
}

/** A call of a caller through a gateway: what is asked for, and when it is called off, if it is. */
export function planCall(random, caller, gateway, tag) {
  const prefixes = GATEWAYS[gateway].prefixes ?? Object.keys(UPSTREAMS)
  const weights = Object.fromEntries(prefixes.map((prefix) => [prefix, UPSTREAMS[prefix].weight]))
  const route = routeOf(gateway, weighted(random, weights), caller)
  const doing = weighted(random, DOINGS)
  const tool = route.hasOnlyTools && !TOOLS.includes(doing) ? 'echo' : doing
  const fault = faultFor(random, route, tool)
  const ms = random.below(3) === 0 ? 10 + random.below(40) : random.below(6)
  const isCalledOff = NEEDS_END.includes(fault) || random.below(100) < CALLED_OFF
  const plan = { tag, route, tool, fault, ms, isRetried: isCalledOff && random.below(2) === 0 }
  if (isCalledOff) plan[random.below(3) === 0 ? 'timeoutMs' : 'cancelMs'] = 5 + random.below(70)
  plan.args = argumentsOf(random, plan)
  return plan
}

/** The same under another tag, without anything that disturbs it. */
export function planRetry({ route, tool, args }, tag) {
  return { tag, route, tool, args: { ...args, tag, fault: undefined } }
}

function faultFor(random, route, tool) {
  const isFaulty = random.below(100) < FAULTY
  if (!isFaulty || !route.isScripted || !TOOLS.includes(tool)) return undefined
  const fault = random.of({ http: HTTP_FAULTS, stdio: STDIO_FAULTS }[route.wire] ?? FAULTS)
  return fault === 'speaks-after-response' && !route.maySpeakLate ? 'speaks-after-cancel' : fault
}

function argumentsOf(random, { tag, route, fault, ms }) {
  return {
    tag,
    ms,
    ...(fault !== undefined && { fault, lateMs: 1 + random.below(80), isFirst: random.below(2) === 0 }),
    isJson: random.below(3) === 0,
    steps: 1 + random.below(3),
    pause: random.below(12),
    header: route.passes ? 'passed' : 'none',
    isAlone: route.isAlone,
  }
}

/** Makes a call of a plan on a client. Gives what came of it, as text. */
export async function makeCall(client, { route, tool, tag, args }, options) {
  const { prefix } = route
  const uri = (path) => `iso://${prefix}/item/${path}`
  if (tool === 'read') return (await client.readResource(uri(tagToPath(tag)), options))[0].text
  const name = `${prefix}_say`
  if (tool === 'prompt') return (await client.getPrompt(name, { tag }, options)).messages[0].content.text
  if (tool === 'complete') {
    const ref = { type: 'ref/prompt', name }
    return (await client.complete(ref, { name: 'tag', value: tag }, options)).values[0]
  }
  const { content, isError } = await client.callTool(`${prefix}_${tool}`, args, options)
  const text = content.map((block) => block.text).join()
  if (isError) throw new Error(text)
  return text
}
