import { connect } from 'node:net'

/** How long a server may take over something odd, in milliseconds. */
export const PATIENCE_MS = 5000

/** Send bytes, and wait for what comes back: an answer whole, or the end of the connection. */
export function exchange(port, bytes, { waits = PATIENCE_MS, halfCloses = false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = Buffer.alloc(0)
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(
          `No answer and no end within ${waits} ms to ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`,
        ),
      )
    }, waits)
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(received.toString('utf8'))
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (isWhole(received)) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('end', finish)
    socket.write(bytes)
    if (halfCloses) socket.end()
  })
}

function isWhole(received) {
  const text = received.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end).toLowerCase()
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (length !== undefined) return received.length >= end + 4 + Number(length)
  if (/ 204 | 1\d\d /.test(head.slice(0, 16))) return true
  return text.endsWith('0\r\n\r\n') || text.endsWith('\n\n\r\n')
}

/** What is wrong with an answer: nothing, or a text that says it. */
export function fault(answer) {
  if (answer === '') return undefined
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
  if (status === undefined) return `no HTTP: ${answer.slice(0, 100)}`
  // Refused for a limit is no fault; anything else of the 500s is.
  if (status.startsWith('5') && !['501', '503', '505', '508'].includes(status))
    return `status ${status}: ${answer.slice(0, 300)}`
  if (/\bat .*\.(js|ts):\d+|node:internal|\/work\/|dist\/index/.test(answer))
    return `tells of its inside: ${answer.slice(0, 300)}`
  const start = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  // Behind it there may be the answer to what looked like another request.
  const body = start
    .subarray(0, Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? start.length))
    .toString()
  const isJson = /content-type: application\/json/i.test(answer) && !/transfer-encoding/i.test(answer)
  if (isJson && body !== '' && !parses(body)) return `no JSON: ${body.slice(0, 200)}`
  return undefined
}

function parses(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
