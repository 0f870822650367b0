/** Stands in for `@hono/node-server` where the runtime is not Node, so that the package bundles for it. */
export function getRequestListener(): never {
  throw new Error('This runtime has no node:http: use server.fetch instead')
}
