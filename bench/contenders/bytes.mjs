/** Writes as many frames as it is asked for, each as large as a progress notification, a few kilobytes at once. */
import { listen } from './common.mjs'

listen((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    const count = Number(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let pending = ''
    for (let progress = 1; progress <= count; progress++) {
      const notification = { progressToken: 'token', progress, total: count }
      const message = { jsonrpc: '2.0', method: 'notifications/progress', params: notification }
      pending += `event: message\ndata: ${JSON.stringify(message)}\n\n`
      if (pending.length < 64 * 1024) continue
      if (!response.write(pending)) await new Promise((resolve) => response.once('drain', resolve))
      pending = ''
    }
    response.end(pending)
  })
})
