/** What a proxy would cost that understands nothing: bodies and headers are handed on as they are. */
import { Agent, request } from 'node:http'
import { listen } from './common.mjs'
import { startUpstream } from './upstream.mjs'

const port = await startUpstream()
const agent = new Agent({ keepAlive: true })

await listen((incoming, outgoing) => {
  const { method, url: path, headers } = incoming
  const onwards = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers)
    answer.pipe(outgoing)
  })
  incoming.pipe(onwards)
})
