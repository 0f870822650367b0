/** The ways in which a hostile upstream answers. */
import { setTimeout as delay } from 'node:timers/promises'

/** Those that any wire has. A call with one of the first three gets no answer in time. */
export const NEEDS_END = ['foreign-id', 'late', 'speaks-after-cancel']
export const FAULTS = [
  ...NEEDS_END,
  'twice',
  'earlier-again',
  'to-nobody',
  'logs-unnamed',
  'asks-unnamed',
  'speaks-after-response',
]
/** Those of processes, which may be used for the next call soon. */
export const STDIO_FAULTS = [...FAULTS, 'speaks-after-cancel', 'speaks-after-cancel']
/** Those of HTTP: a second response on a connection at rest. */
export const HTTP_FAULTS = [...FAULTS, 'stray']

const FORM = { type: 'object', properties: { answer: { type: 'string' } } }

/** How soon a call is cancelled that is going to be, in milliseconds. */
const CANCELLED_MS = 300

export function speaksAfterCancel(fault) {
  return fault === 'late' || fault === 'speaks-after-cancel'
}

/** Goes on as if the call had not been cancelled, and speaks for it. */
export async function lateFault(conversation, call) {
  const { fault, lateMs, isFirst } = call.args
  if (!isFirst) await Promise.race([cancelled(call), delay(CANCELLED_MS)])
  await delay(lateMs)
  for (let times = fault === 'speaks-after-cancel' ? 4 : 0; times > 0; times--) {
    speak(conversation, call)
    await delay(lateMs)
  }
}

function cancelled({ gone }) {
  if (gone.aborted) return undefined
  return new Promise((resolve) => gone.addEventListener('abort', resolve))
}

/** Answers in another way than `response`, or does something besides. Gives whether that was all. */
export async function earlyFault(conversation, call, response) {
  const { channel, args } = call
  const fault = FAULT_SCRIPTS[args.fault]
  if (fault === undefined) return false
  return (await fault(conversation, call, response, channel)) === true
}

const FAULT_SCRIPTS = {
  twice: (_conversation, { args }, response, channel) => {
    if (args.isJson && channel.isHttp) return doubled(channel, response, response, 0)
    channel.say(response)
  },
  'earlier-again': ({ world }, { args }, response, channel) => {
    const again = world.last
    if (again === undefined) return false
    if (args.isJson && channel.isHttp) return doubled(channel, response, again, 0)
    if (args.isFirst) channel.say(again)
    channel.say(response)
    channel.say(again)
    return true
  },
  'foreign-id': ({ world }, { id, owner }, response, channel) => {
    // On a pipe only the id tells responses apart, so that ids of pending requests are not used there.
    const other = channel.isHttp && [...world.running].find((running) => running.owner !== owner)
    channel.say({ ...response, id: (other || world.last)?.id ?? id + 1e9 })
    return true
  },
  'to-nobody': (_conversation, _call, response, channel) => {
    channel.say({ ...response, id: null })
    channel.say({ ...response, id: 'nobody' })
    channel.say({ jsonrpc: '2.0', result: response.result })
  },
  'logs-unnamed': (conversation, { tag }) => {
    conversation.tell(log(tag))
  },
  'asks-unnamed': async (conversation, call) => {
    const params = { message: call.tag, requestedSchema: FORM }
    const answered = conversation.ask(call, 'elicitation/create', params, conversation.tell)
    await Promise.race([answered, delay(100)])
  },
  'speaks-after-response': async (conversation, call, response, channel) => {
    channel.say(response)
    await delay(call.args.lateMs)
    speak(conversation, call)
    return true
  },
  stray: ({ world, observer }, { args, tag }, response, channel) => {
    if (world.last === undefined) return false
    return doubled(channel, response, world.last, args.lateMs, () => observer.stray(tag))
  },
}

function log(tag) {
  return { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: tag } }
}

/** Logs, reports progress and asks for a call, by its name and without. */
function speak(conversation, call) {
  const { tag, channel, params } = call
  const progressToken = params._meta?.progressToken
  for (const say of [channel.say, conversation.tell]) {
    say(log(tag))
    say({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken, progress: 9, message: tag },
    })
    const asked = { message: tag, requestedSchema: FORM }
    void conversation.ask({ ...call, gone: AbortSignal.timeout(5000) }, 'elicitation/create', asked, say)
  }
}

/** A response of JSON, and another one behind it without a request. */
function doubled(channel, first, second, afterMs, onStray) {
  channel.json(first, afterMs === 0 ? second : undefined)
  if (afterMs > 0)
    setTimeout(() => {
      onStray()
      channel.stray(second)
    }, afterMs).unref()
  return true
}
