import { Hono, type MiddlewareHandler } from 'hono'
import type { HttpEndpoint } from './endpoint.js'
import { fetchFrom } from './fetch.js'

/** A Hono app that serves an endpoint, to be used alone or as a part of another; `routes` stand beside it. */
export function honoApp(
  endpoint: HttpEndpoint,
  middleware: readonly MiddlewareHandler[],
  routes: Hono | undefined,
): Hono {
  const app = new Hono()
  for (const each of middleware) app.use(each)
  for (const [path, role] of endpoint.paths)
    app.all(path, (context) => fetchFrom(endpoint, context.req.raw, role))
  if (routes !== undefined) app.route('/', routes)
  return app
}
