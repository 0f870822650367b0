import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'fastmesh'
import { exchange, fault, PATIENCE_MS } from './raw.mjs'
import { mutated, spliced } from './random.mjs'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} }, sampling: {}, roots: {} },
}
const INFO = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } }

/** Good messages, to be spoilt. */
const MESSAGES = [
  ['initialize', INFO],
  ['ping', {}],
  ['tools/list', { cursor: 'abc' }],
  ['tools/call', { name: 'echo', arguments: { text: 'hello' } }],
  [
    'tools/call',
    {
      name: 'asks',
      arguments: {},
      inputResponses: { a: { action: 'accept', content: {} } },
      requestState: 'x',
    },
  ],
  ['resources/list', {}],
  ['resources/read', { uri: 'note://one/two?q=3' }],
  ['resources/templates/list', {}],
  ['resources/subscribe', { uri: 'note://one' }],
  ['prompts/get', { name: 'greet', arguments: { who: 'you' } }],
  [
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'who', value: 'a' },
      context: { arguments: {} },
    },
  ],
  ['logging/setLevel', { level: 'debug' }],
  ['server/discover', {}],
  [
    'subscriptions/listen',
    { notifications: { toolsListChanged: true, resourceSubscriptions: ['note://one'] } },
  ],
  ['notifications/cancelled', { requestId: 1, reason: 'x' }],
  ['notifications/progress', { progressToken: 1, progress: 2 }],
].map(([method, params], index) => ({ jsonrpc: '2.0', id: index, method, params }))

/** The text of a message of either era, spoilt as an object, as text, or not at all. */
function spoilt(random) {
  const message = structuredClone(random.of(MESSAGES))
  const isNew = random.below(2) === 0
  if (isNew) message.params._meta = META
  const changed = random.below(10) === 0 ? [message, mutated(random, message)] : mutated(random, message)
  const text = JSON.stringify(changed) ?? 'null'
  return { message, isNew, text: random.below(4) === 0 ? spliced(random, text) : text }
}

function post(body, headers) {
  const head = Object.entries({
    host: '127.0.0.1',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headers,
  })
  const lines = head.map(([name, value]) => `${name}: ${value}`)
  return Buffer.concat([
    Buffer.from(
      `POST /mcp HTTP/1.1\r\n${lines.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`,
      'latin1',
    ),
    body,
  ])
}

/** Messages over HTTP. */
export async function messages(random, { port, session }) {
  const { message, isNew, text } = spoilt(random)
  // A stream that listens has no end of its own.
  if (isNew && /listen/.test(text)) return
  const headers = isNew
    ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': message.method, ...named(message) }
    : random.below(4) > 0
      ? { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
      : {}
  const answer = await exchange(port, post(Buffer.from(text), headers))
  return answer === '' ? 'no answer to a whole request' : fault(answer)
}

function named({ params: { name, uri } }) {
  const value = name ?? uri
  return value === undefined ? {} : { 'mcp-name': value }
}

/** Heads and bodies as no client sends them. */
export async function heads(random, { port, session }) {
  const body = Buffer.from(JSON.stringify(random.of(MESSAGES)))
  const good = post(body, { 'mcp-session-id': session }).toString('latin1')
  let bytes = good
  for (let count = 1 + random.below(4); count > 0; count--)
    bytes =
      random.below(3) === 0
        ? bytes.replace(/POST|\/mcp|HTTP\/1.1|host|content-length: \d+|accept|json/, (found) =>
            odd(random, found),
          )
        : spliced(random, bytes)
  return fault(await exchange(port, Buffer.from(bytes, 'latin1'), { halfCloses: true }))
}

function odd(random, found) {
  return random.of([
    found.toUpperCase(),
    `${found}${found}`,
    '',
    '/../mcp',
    'http://[',
    'GET',
    'content-length: -1',
    'content-length: 999999999999',
    'transfer-encoding: chunked',
    'Host: evil.example\r\nhost',
    'x'.repeat(20_000),
  ])
}

/** Cursors, ids of sessions and events, sealed states: texts that only the server makes. */
export async function tokens(random, { port, session, cursor, state }) {
  const [kind, good] = random.of([
    ['cursor', cursor],
    ['requestState', state],
    ['session', session],
    ['event', `${session}-1`],
  ])
  const token = random.below(8) === 0 ? 'x'.repeat(random.below(100_000)) : spliced(random, good)
  if (token === good) return
  if (kind === 'cursor') {
    const answer = await exchange(
      port,
      post(
        Buffer.from(
          JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: token } }),
        ),
        { 'mcp-session-id': session },
      ),
    )
    return (
      fault(answer) ??
      (answer.includes('-32602') || answer.includes('"tools"')
        ? undefined
        : `a bad cursor: ${answer.slice(0, 200)}`)
    )
  }
  if (kind === 'requestState') {
    const params = { name: 'asks', arguments: {}, requestState: token, inputResponses: {}, _meta: META }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'asks' }
    const answer = await exchange(
      port,
      post(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })), headers),
    )
    return (
      fault(answer) ??
      (answer.includes('-32602') ? undefined : `a changed state was taken: ${answer.slice(0, 300)}`)
    )
  }
  const safe = token.replace(/[^\x21-\x7e]/g, '.').slice(0, 4000)
  const line =
    kind === 'session' ? `mcp-session-id: ${safe}` : `mcp-session-id: ${session}\r\nlast-event-id: ${safe}`
  const answer = await exchange(
    port,
    Buffer.from(`GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n${line}\r\n\r\n`),
  )
  return (
    fault(answer) ??
    (/^HTTP\/1\.1 4/.test(answer) ? undefined : `a foreign ${kind} was taken: ${answer.slice(0, 200)}`)
  )
}

/** What a server says to our client. */
export async function frames(random, { upstream }) {
  const answers = [
    '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"x"}]}}',
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}',
    '{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}',
  ]
  upstream.frames = Array.from({ length: 1 + random.below(4) }, () => {
    const data = random.of(answers)
    const whole = `${random.of(['', 'id: 7\n', 'retry: 1\n', 'event: message\n', ': x\n'])}data: ${data}\n\n`
    return random.below(2) === 0 ? spliced(random, whole) : whole
  })
  const client = new Client(upstream.url, { era: '2025-11-25', timeoutMs: 1000, connectTimeoutMs: 3000 })
  const ended = client.callTool('x', {}, { throwOnError: false }).then(
    () => undefined,
    (error) => (error instanceof Error ? undefined : `threw ${String(error)}`),
  )
  let timer
  const late = new Promise(
    (resolve) => (timer = setTimeout(resolve, PATIENCE_MS, 'the client did not come to an end')),
  )
  const problem = await Promise.race([ended, late])
  clearTimeout(timer)
  await client.close()
  return problem
}

/** A server whose streams say what they are told to. */
export async function startUpstream() {
  const upstream = { frames: [], url: '', close: () => undefined }
  const http = createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(request.method === 'GET' ? 405 : 204).end()
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method } = JSON.parse(body)
    if (method === 'initialize') {
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        serverInfo: { name: 'up', version: '1' },
      }
      return response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    }
    if (id === undefined || method !== 'tools/call') return response.writeHead(202).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of upstream.frames) response.write(frame.replaceAll('ID', String(id)))
    response.end()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  upstream.url = `http://127.0.0.1:${http.address().port}/mcp`
  upstream.close = () => {
    http.closeAllConnections()
    http.close()
  }
  return upstream
}

const PIECES = [
  '{a}',
  '{a*}',
  '{+a}',
  '{#a}',
  '{.a}',
  '{/a}',
  '{;a}',
  '{?a}',
  '{&a}',
  '{a,b}',
  '{a:3}',
  '/',
  '-',
  '.',
  'x',
  '://',
  '%',
  '{',
  '}',
  '?',
  '#',
  ',',
  '',
]

/** Templates, and URIs to hold against them: either a clear error, or a match in time that grows as the URI does. */
export async function templates(random, { FastMCP }) {
  const piece = () => random.of(PIECES).replace('a', random.of(['a', 'b', 'c', '__proto__']))
  const uriTemplate = `t://${Array.from({ length: 1 + random.below(6) }, piece).join('')}`
  let server
  try {
    server = new FastMCP({ name: 'templates', version: '1' }).addResourceTemplate({
      uriTemplate,
      name: 't',
      load: (values) => JSON.stringify(values),
    })
  } catch (error) {
    return error instanceof TypeError ? undefined : `${uriTemplate}: ${String(error)}`
  }
  const filler = random.of([',', '/', 'a', '%41', '..', '{', '?a=1&', '%ff', '-'])
  const client = await Client.connect(server)
  try {
    for (const length of [1, 100, 20_000]) {
      const uri = `t://${filler.repeat(length).slice(0, 60_000)}${random.of(['', 'x', '/', '%'])}`
      const began = process.cpuUsage().user
      await client.readResource(uri).catch((error) => {
        if (!/not found|URI|uri/i.test(error.message)) throw error
      })
      const spent = (process.cpuUsage().user - began) / 1000
      if (spent > 500) return `${uriTemplate} took ${spent} ms for ${uri.length} characters`
    }
    return undefined
  } catch (error) {
    return `${uriTemplate}: ${error.message}`
  } finally {
    await client.close()
    await server.stop()
  }
}

/** A server on stdio that gets lines: each whole request is answered, and nothing else comes out. */
export class StdioServer {
  #child
  #waiting = new Map()
  problem

  constructor() {
    const file = fileURLToPath(new URL('server.mjs', import.meta.url))
    this.#child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child.on('exit', (code) => (this.problem ??= `the server on stdio has ended (${code})`))
    createInterface(this.#child.stdout).on('line', (line) => this.#take(line))
  }

  #take(line) {
    try {
      const { id } = JSON.parse(line)
      this.#waiting.get(id)?.()
      this.#waiting.delete(id)
    } catch {
      this.problem ??= `no JSON on stdout: ${line.slice(0, 200)}`
    }
  }

  /** Send lines, and a ping behind them that has to be answered. */
  async lines(random) {
    for (let count = 0; count < 20; count++) {
      const { text } = spoilt(random)
      this.#child.stdin.write(`${text.replaceAll('\n', ' ')}${random.of(['\n', '\r\n', '\n\n'])}`)
    }
    const id = `ping-${random.below(1e9)}`
    const answered = new Promise((resolve) => this.#waiting.set(id, resolve))
    let timer
    const late = new Promise(
      (resolve) => (timer = setTimeout(resolve, PATIENCE_MS, 'a ping on stdio was not answered')),
    )
    this.#child.stdin.write(
      `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: META } })}\n`,
    )
    const problem = await Promise.race([answered, late])
    clearTimeout(timer)
    return this.problem ?? problem
  }

  stop() {
    this.#child.removeAllListeners('exit')
    this.#child.kill()
  }
}
