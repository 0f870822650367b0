import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hono } from 'hono'
import type { HttpEndpoint } from './endpoint.js'

/** Answers a request of `node:http`; calls `next`, if there is one, for what is not its own. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

/** Serve an endpoint within Express, Connect, Fastify (through `@fastify/middie`) or a bare `node:http` server. */
export function nodeHandler(endpoint: HttpEndpoint, routes: () => Hono | undefined): NodeHandler {
  return (message, response, next) => {
    serve(endpoint, routes(), message, response, next).catch((error: unknown) => {
      if (next === undefined) response.destroy()
      else next(error)
    })
  }
}

async function serve(
  endpoint: HttpEndpoint,
  routes: Hono | undefined,
  message: IncomingMessage,
  response: ServerResponse,
  next: ((error?: unknown) => void) | undefined,
): Promise<void> {
  const { NodeRequest, NodeResponse } = await import('./node-message.js')
  const request = new NodeRequest(message)
  if (endpoint.roleAt(request.path) !== undefined) endpoint.handle(request, new NodeResponse(response))
  else if (routes !== undefined && hasRoute(routes, request)) {
    const { getRequestListener } = await import('#node-server')
    await getRequestListener(routes.fetch)(message, response)
  } else if (next === undefined) endpoint.handle(request, new NodeResponse(response))
  else next()
}

function hasRoute(routes: Hono, { method, path }: { method: string; path: string }): boolean {
  return routes.router.match(method, path)[0].length > 0
}
