/** What an idle session with an open stream takes of the heap, beyond what node:http takes for the socket; and what is left of 10,000. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Contender } from './contenders.mjs'
import { Connection, speak } from './load.mjs'

const STREAMS = 2000
const AT_ONCE = 50
const LISTEN = { notifications: { toolsListChanged: true } }

export async function measureSessions(quick) {
  const count = quick ? STREAMS / 4 : STREAMS
  console.log(`\n${count} idle sessions, each with an open stream\n`)
  console.log('| server | KiB of heap a session | beyond node:http |')
  console.log('| --- | ---: | ---: |')
  const floor = await heapPerStream('node-http', 'none', count)
  console.log(`| node:http | ${floor.toFixed(1)} | 0 |`)
  for (const era of ['2025-11-25', '2026-07-28']) {
    const own = await heapPerStream('fastmesh', era, count)
    console.log(`| fastmesh ${era} | ${own.toFixed(1)} | ${(own - floor).toFixed(1)} |`)
  }
  await measureEnded(quick ? 2000 : 10_000)
}

async function heapPerStream(file, era, count) {
  const server = await Contender.start(file, 10, ['--expose-gc'])
  const warm = await openStreams(server.port, era, 20)
  const before = await server.heap()
  const streams = await openStreams(server.port, era, count)
  const after = await server.heap()
  for (const socket of [...warm, ...streams]) socket.destroy()
  server.stop()
  return (after - before) / count / 1024
}

async function openStreams(port, era, count) {
  const sockets = []
  while (sockets.length < count)
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => openStream(port, era)),
      )),
    )
  return sockets
}

/** A socket on which a stream has begun. */
async function openStream(port, era) {
  const poster = new Connection(port)
  const { headers, body } = (await speak(era, poster))('subscriptions/listen', LISTEN)
  poster.close()
  const socket = connect(port, '127.0.0.1')
  const begin =
    era === '2026-07-28'
      ? `POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${body('sub').length}\r\n`
      : 'GET /mcp HTTP/1.1\r\n'
  const head = `${begin}Host: 127.0.0.1\r\nAccept: text/event-stream\r\n${headers}\r\n`
  socket.write(era === '2026-07-28' ? head + body('sub') : head)
  await once(socket, 'data')
  return socket
}

/** Open sessions and end them, and see whether the heap is where it was. */
async function measureEnded(count) {
  const server = await Contender.start('fastmesh', 10, ['--expose-gc'])
  await openAndEnd(server.port, 500)
  const before = await server.heap()
  await openAndEnd(server.port, count)
  const after = await server.heap()
  server.stop()
  const left = ((after - before) / 1024).toFixed(0)
  console.log(`\n${count} sessions opened and ended leave ${left} KiB of heap`)
}

async function openAndEnd(port, count) {
  const connection = new Connection(port)
  for (let nth = 0; nth < count; nth++) {
    const { headers } = (await speak('2025-11-25', connection))('ping', {})
    await connection.ask(headers, '', 'DELETE')
  }
  connection.close()
}
