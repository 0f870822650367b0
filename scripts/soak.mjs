/**
 * Clients of every kind that come and go, most of them without a word, for some minutes:
 * afterwards nothing of them may be left.
 *
 *   npm run soak                    three minutes
 *   npm run soak -- --seconds 20    as long as that
 */
import { fork } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const at = process.argv.indexOf('--seconds')
const SECONDS = at < 0 ? 180 : Number(process.argv[at + 1])
const CLIENTS = 60
const counts = {}
/** How much more heap there may be than before, in bytes: code that was compiled meanwhile, and the like. */
const TOLERANCE = 6 * 1024 * 1024

const server = fork(fileURLToPath(new URL('soak-server.mjs', import.meta.url)), { execArgv: ['--expose-gc'] })
function message() {
  return new Promise((resolve) => server.once('message', resolve))
}

async function state(word) {
  const answer = message()
  server.send(word)
  return answer
}

/** What the server holds when all that is to end by itself has had the time to. */
async function settled() {
  let now = await state('calm')
  for (let tries = 0; tries < 60 && now.sessions + now.requests + now.sockets > 0; tries++) {
    await delay(250)
    now = await state('look')
  }
  await delay(500)
  return state('look')
}

async function round(seconds) {
  const end = Date.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, nth) => {
      for (let visit = nth; Date.now() < end; visit++) {
        const [name, come] = VISITS[visit % VISITS.length]
        counts[name] = (counts[name] ?? 0) + 1
        await come(visit)
      }
    }),
  )
}

/** A socket that sends what it is told and keeps what comes. */
async function open() {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => (received += chunk))
  socket.on('error', () => undefined)
  socket.setMaxListeners(0)
  await new Promise((resolve) => socket.once('connect', resolve))
  return {
    destroy: () => socket.destroy(),
    send: (text) => socket.write(text),
    received: () => received,
    /** Resolves when so much has come, or the connection has ended. */
    async has(pattern) {
      while (!pattern.test(received) && !socket.destroyed)
        await Promise.race([
          new Promise((resolve) => socket.once('data', resolve)),
          new Promise((resolve) => socket.once('close', resolve)),
        ])
      return pattern.exec(received)
    },
  }
}

const ACCEPT = 'Host: 127.0.0.1\r\nAccept: application/json, text/event-stream\r\n'

function post(body, headers = '', path = '/mcp') {
  const text = JSON.stringify({ jsonrpc: '2.0', ...body })
  return `POST ${path} HTTP/1.1\r\n${ACCEPT}Content-Type: application/json\r\n${headers}Content-Length: ${text.length}\r\n\r\n${text}`
}

const INITIALIZE = {
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'soak', version: '1' },
  },
}

async function session() {
  const socket = await open()
  socket.send(post(INITIALIZE))
  const [, id] = await socket.has(/mcp-session-id: ([^\r]+)/i)
  const headers = `Mcp-Session-Id: ${id}\r\n`
  socket.send(post({ method: 'notifications/initialized' }, headers))
  await socket.has(/202 Accepted/)
  return { socket, headers }
}

const call = (name, id = 1) => ({ id, method: 'tools/call', params: { name, _meta: { progressToken: id } } })

function modern(method, params, id = 1) {
  const _meta = {
    progressToken: id,
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  }
  const name = params.name === undefined ? '' : `Mcp-Name: ${params.name}\r\n`
  const headers = `MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n${name}`
  return post({ id, method, params: { ...params, _meta } }, headers)
}

const VISITS = [
  [
    'ends its session',
    async () => {
      const { socket, headers } = await session()
      socket.send(post(call('quick'), headers))
      await socket.has(/"quick"/)
      socket.send(`DELETE /mcp HTTP/1.1\r\n${ACCEPT}${headers}\r\n`)
      await socket.has(/204 No Content/)
      socket.destroy()
    },
  ],
  [
    'leaves a session behind',
    async () => {
      const { socket, headers } = await session()
      const stream = await open()
      stream.send(`GET /mcp HTTP/1.1\r\n${ACCEPT}${headers}\r\n`)
      await stream.has(/retry/)
      const uri = 'data://watched'
      socket.send(post({ id: 9, method: 'resources/subscribe', params: { uri } }, headers))
      await socket.has(/"id":9/)
      socket.destroy()
      stream.destroy()
    },
  ],
  [
    'is cut and resumes',
    async (visit) => {
      const { socket, headers } = await session()
      const first = await open()
      first.send(post(call('progress'), headers))
      const [, id] = await first.has(
        new RegExp(`id: (\\S+)\\nevent: message\\n.*"progress":${1 + (visit % 9)}[,}]`),
      )
      first.destroy()
      const second = await open()
      second.send(`GET /mcp HTTP/1.1\r\n${ACCEPT}${headers}Last-Event-ID: ${id}\r\n\r\n`)
      await second.has(/"done"/)
      second.destroy()
      socket.destroy()
    },
  ],
  [
    'is asked and never answers',
    async () => {
      const { socket, headers } = await session()
      const asked = await open()
      asked.send(post(call('ask'), headers))
      await asked.has(/elicitation\/create/)
      asked.destroy()
      socket.destroy()
    },
  ],
  [
    'stays silent until it is given up',
    async (visit) => {
      const { socket, headers } = await session()
      const stream = await open()
      stream.send(`GET /mcp HTTP/1.1\r\n${ACCEPT}${headers}\r\n`)
      if (visit % 8 === 0) await stream.has(/\r\n0\r\n\r\n$/)
      else await stream.has(/retry/)
      stream.destroy()
      socket.destroy()
    },
  ],
  [
    'of 2024 comes and goes',
    async () => {
      const stream = await open()
      stream.send(`GET /sse HTTP/1.1\r\n${ACCEPT}\r\n`)
      const [, path] = await stream.has(/data: (\/messages\S+)/)
      const poster = await open()
      poster.send(post(INITIALIZE, '', path))
      await stream.has(/"serverInfo"/)
      poster.send(post({ method: 'notifications/initialized' }, '', path))
      poster.send(post(call('progress'), '', path))
      await stream.has(/"progress":3[,}]/)
      stream.destroy()
      poster.destroy()
    },
  ],
  [
    'of 2026 calls and is cut',
    async () => {
      const socket = await open()
      socket.send(modern('tools/call', { name: 'progress' }))
      await socket.has(/"progress":2[,}]/)
      socket.destroy()
    },
  ],
  [
    'of 2026 is asked',
    async () => {
      const socket = await open()
      socket.send(modern('tools/call', { name: 'ask' }))
      await socket.has(/input_required/)
      socket.destroy()
    },
  ],
  [
    'of 2026 listens and is cut',
    async () => {
      const socket = await open()
      const notifications = { toolsListChanged: true, resourceSubscriptions: ['data://watched'] }
      socket.send(modern('subscriptions/listen', { notifications }))
      await socket.has(/acknowledged/)
      socket.destroy()
    },
  ],
  [
    'sends half a message',
    async () => {
      const socket = await open()
      socket.send(post(INITIALIZE).slice(0, -20))
      await delay(5)
      socket.destroy()
    },
  ],
]

const { port } = await message()

await round(3)
const before = await settled()
const began = Date.now()
await round(SECONDS)
const busy = Math.round((Date.now() - began) / 1000)
const after = await settled()

const grown = after.heap - before.heap
const { told } = after
const ended = Object.values(told.disconnect).reduce((sum, count) => sum + count, 0)
console.log(`${busy} s, ${CLIENTS} clients at once: ${JSON.stringify(counts)}`)
console.log(`connect ${told.connect}, disconnect ${ended}: ${JSON.stringify(told.disconnect)}`)
console.log(
  `left over: ${after.sessions} sessions, ${after.requests} requests, ${after.sockets} sockets, ${after.timers - before.timers} timers, ${Math.round(grown / 1024)} KiB of heap`,
)
const clean =
  after.sessions + after.requests + after.sockets === 0 &&
  after.timers <= before.timers &&
  told.connect === ended &&
  grown < TOLERANCE
server.send('stop')
const code = await new Promise((resolve) => server.once('exit', resolve))
console.log(`the stopped server ended with ${code}`)
console.log(clean && code === 0 ? 'soak: clean' : 'soak: NOT clean')
process.exitCode = clean && code === 0 ? 0 : 1
