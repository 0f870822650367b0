/**
 * The answers of the scripted upstreams, over any wire: a call does what its arguments tell, and goes wrong in the way
 * that they tell. Runs in the harness, and in the processes of stdio upstreams.
 */
/* global AbortController */
import { setTimeout as delay } from 'node:timers/promises'
import { earlyFault, lateFault, speaksAfterCancel } from './faults.mjs'
import { foreignIn, ownerOf, pathToTag } from './tags.mjs'

const NAMES = ['echo', 'chat', 'ask', 'roots', 'headers']
const TOOLS = NAMES.map((name) => ({ name, inputSchema: { type: 'object' } }))
const PROMPTS = [{ name: 'say', arguments: [{ name: 'tag' }] }]
const TEMPLATES = [{ name: 'item', uriTemplate: 'iso://item/{id}' }]
const CAPABILITIES = { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} }
const FORM = { type: 'object', properties: { answer: { type: 'string' } } }

/** How long an answer to a question is waited for, in milliseconds. */
const PATIENCE_MS = 60_000

let questions = 0

/** The calls that an upstream knows of. */
export class World {
  running = new Set()
  /** A response to the call that ended last. */
  last

  over(call) {
    this.running.delete(call)
    const content = [{ type: 'text', text: call.tag }]
    this.last = { jsonrpc: '2.0', id: call.id, result: { resultType: 'complete', content } }
  }
}

/** One connection of a client, with what such a server remembers of it. `tell` says something that names no request. */
export class Conversation {
  asked = new Map()
  #running = new Map()
  /** The callers that have used it so far. */
  owners = new Set()
  /** The `x-tag` of its messages, where there is one. */
  header
  introduction

  /**
   * `world`: the calls that run and those that are over, from which hostile answers take their ids. `isForAll`: whether
   * it is no connection, but all there is.
   */
  constructor({ era, tell, observer, world = new World(), isForAll = false }) {
    this.isForAll = isForAll
    this.era = era
    this.tell = tell
    this.observer = observer
    this.world = world
  }

  /**
   * Take a message. `channel`: `say` and `end` for what belongs to it, `json` for a response of JSON, `stray` for one
   * behind it; `isHttp`, `header`, and `gone`, a signal that its client does not wait any more.
   */
  receive(message, channel) {
    this.#checkHeader(channel.header, message)
    if (message.method === undefined) this.#answered(message, channel)
    else if (message.id === undefined) this.#notified(message, channel)
    else void this.#run(message, channel)
  }

  /** Ask the client; `say` sends the question. Gives its answer, or `undefined` where there is none. */
  ask(call, method, params, say) {
    const id = `question-${process.pid}-${(questions += 1)}`
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS)
      timer.unref()
      const done = (answer) => {
        clearTimeout(timer)
        this.asked.delete(id)
        resolve(answer)
      }
      call.gone.addEventListener('abort', () => done(undefined))
      this.asked.set(id, { call, done })
      say({ jsonrpc: '2.0', id, method, params })
    })
  }

  check(call, where, value) {
    const foreign = foreignIn(call.owner, value)
    if (foreign !== undefined) this.observer.foreign(call.tag, `the upstream got as ${where}: ${foreign}`)
  }

  #checkHeader(header, { method, params }) {
    if (header === undefined || this.isForAll) return
    this.header ??= header
    if (this.header !== header)
      this.observer.foreign(this.header, `its session got ${method ?? 'an answer'} with header ${header}`)
    if (method === 'initialize' && foreignIn(ownerOf(header), params.clientInfo) !== undefined)
      this.observer.foreign(header, `its session was opened by ${params.clientInfo.name}`)
  }

  #answered(message, { header }) {
    const { call, done } = this.asked.get(message.id) ?? {}
    if (call === undefined) return
    this.check(call, 'header of an answer', header)
    if (message.result !== undefined) this.check(call, 'answer', message.result)
    done(message)
  }

  #notified({ method, params }, { header }) {
    const call = method === 'notifications/cancelled' ? this.#running.get(params.requestId) : undefined
    if (call === undefined) return
    this.check(call, 'header of a cancellation', header)
    call.cancel()
  }

  async #run(message, channel) {
    const { id, method, params = {} } = message
    if (method === 'initialize') this.introduction = params.clientInfo
    const tag = tagIn(method, params)
    if (tag === undefined) {
      channel.json(usual(this.era, message))
      channel.end()
      return
    }
    const gone = new AbortController()
    const args = method === 'tools/call' ? params.arguments : {}
    const call = { id, tag, owner: ownerOf(tag), args, params, method, channel, gone: gone.signal }
    call.cancel = () => gone.abort()
    channel.gone?.addEventListener('abort', call.cancel)
    this.#running.set(id, call)
    this.world.running.add(call)
    this.#arrived(call)
    try {
      await answer(this, call)
    } finally {
      this.#running.delete(id)
      this.world.over(call)
      channel.end()
    }
  }

  #arrived(call) {
    const { owner, args, params, channel, tag } = call
    this.check(call, 'header', channel.header)
    this.check(call, 'envelope', params._meta)
    if (args.header === 'none' && channel.header !== undefined)
      this.observer.foreign(tag, `a header was passed on that is not meant to be: ${channel.header}`)
    if (args.isAlone !== true || this.isForAll) return
    this.check(call, 'introduction', this.introduction)
    this.owners.add(owner)
    if (this.owners.size > 1)
      this.observer.foreign(tag, `its session upstream is also that of callers ${[...this.owners]}`)
  }
}

function tagIn(method, { arguments: args, uri, argument }) {
  if (method === 'tools/call' || method === 'prompts/get') return args.tag
  if (method === 'resources/read') return pathToTag(uri.slice(uri.lastIndexOf('/') + 1))
  return method === 'completion/complete' ? argument.value : undefined
}

function usual(era, { id, method }) {
  const common = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }
  const serverInfo = { name: 'scripted', version: '1' }
  const results = {
    ping: {},
    'logging/setLevel': {},
    'tools/list': { ...common, tools: TOOLS },
    'prompts/list': { ...common, prompts: PROMPTS },
    'resources/list': { ...common, resources: [] },
    'resources/templates/list': { ...common, resourceTemplates: TEMPLATES },
    ...(era === '2025-11-25'
      ? { initialize: { protocolVersion: era, capabilities: CAPABILITIES, serverInfo } }
      : { 'server/discover': { ...common, supportedVersions: [era], capabilities: CAPABILITIES } }),
  }
  if (results[method] !== undefined) return { jsonrpc: '2.0', id, result: results[method] }
  return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
}

/** Does what a call wants, in the way that its fault wants. */
async function answer(conversation, call) {
  const { args, gone } = call
  if (args.fault !== undefined) conversation.observer.injected(call.tag, args.fault)
  await delay(args.ms ?? 0)
  if (speaksAfterCancel(args.fault)) await lateFault(conversation, call)
  else if (gone.aborted) return
  const result = await resultOf(conversation, call)
  if (gone.aborted && !speaksAfterCancel(args.fault)) return
  const response = { jsonrpc: '2.0', id: call.id, result }
  if (await earlyFault(conversation, call, response)) return
  if (args.isJson === true) call.channel.json(response)
  else call.channel.say(response)
}

async function resultOf(conversation, call) {
  const { tag, method, params } = call
  const content = { type: 'text', text: tag }
  if (method === 'prompts/get') return complete({ messages: [{ role: 'user', content }] })
  if (method === 'resources/read') return complete({ contents: [{ uri: params.uri, text: tag }] })
  if (method === 'completion/complete') return complete({ completion: { values: [tag, `${tag} again`] } })
  if (params.name === 'chat') await chat(call)
  if (params.name === 'ask' || params.name === 'roots') {
    const asked = conversation.era === '2025-11-25' ? askNow : askLater
    const outcome = await asked(conversation, call)
    return outcome.resultType === 'input_required' ? outcome : told(call, outcome)
  }
  return told(call, params.name === 'headers' ? { header: call.channel.header } : {})
}

function complete(result) {
  return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result }
}

function told({ tag }, facts) {
  return complete({ content: [{ type: 'text', text: JSON.stringify({ tag, ...facts }) }] })
}

/** Logs and reports progress. */
async function chat({ tag, args, params, channel, gone }) {
  const progressToken = params._meta?.progressToken
  for (let step = 1; step <= (args.steps ?? 2) && !gone.aborted; step++) {
    const notify = (method, about) => channel.say({ jsonrpc: '2.0', method, params: about })
    notify('notifications/message', { level: 'info', logger: tag, data: `${tag} step ${step}` })
    if (progressToken !== undefined)
      notify('notifications/progress', { progressToken, progress: step, message: tag })
    await delay(args.pause ?? 3)
  }
}

function questionOf({ tag, params: { name } }) {
  return name === 'ask'
    ? { method: 'elicitation/create', params: { message: tag, requestedSchema: FORM } }
    : { method: 'roots/list', params: {} }
}

/** Asks in the middle of the call. */
async function askNow(conversation, call) {
  const { method, params } = questionOf(call)
  const answered = await conversation.ask(call, method, params, call.channel.say)
  return { answer: answered?.result, refused: answered?.error?.message }
}

/** Puts the call off until it comes again with the answer, to this process. */
async function askLater(conversation, call) {
  const { tag, params } = call
  const { inputResponses, requestState } = params
  const own = `${process.pid} ${tag}`
  if (inputResponses === undefined) {
    const request = questionOf(call)
    if (params.name === 'ask') request.params.mode = 'form'
    return { resultType: 'input_required', inputRequests: { it: request }, requestState: own }
  }
  conversation.check(call, 'requestState', requestState)
  conversation.check(call, 'answer', inputResponses)
  if (requestState !== own) return { refused: `the requestState of ${requestState} came to ${own}` }
  return { answer: inputResponses.it }
}
