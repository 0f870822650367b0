/** An HTTP proxy that forwards plain requests and tunnels others, to this machine whatever the host, and keeps what it was asked for. */
import { createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { onCleanup } from './clients.js'

export interface HttpProxy {
  readonly url: string
  /** `GET http://…` for what is forwarded, `CONNECT host:port` for tunnels. */
  readonly asked: string[]
  readonly authorizations: (string | undefined)[]
}

export async function httpProxy(): Promise<HttpProxy> {
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    authorizations.push(incoming.headers['proxy-authorization'])
    const { port, pathname } = new URL(incoming.url ?? '')
    const { method, headers } = incoming
    const onwards = request(
      { host: '127.0.0.1', port, path: pathname, method, headers: { ...headers, host: `127.0.0.1:${port}` } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onwards.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onwards.destroy())
    incoming.pipe(onwards)
  })
  server.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`)
    authorizations.push(incoming.headers['proxy-authorization'])
    const onwards = connect(Number(incoming.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onwards.pipe(socket).pipe(onwards)
    })
    onwards.on('error', () => socket.destroy())
    socket.on('error', () => onwards.destroy()).on('close', () => onwards.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, authorizations }
}
