/** A worker that serves MCP, and runs the check when it is asked for `/check?url=…`. */
import * as fastmesh from 'fastmesh'
import { check } from './check.mjs'

const server = new fastmesh.FastMCP({ name: 'worker', version: '1.0.0' }).addTool({
  name: 'hello',
  execute: () => 'from the worker',
})

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== '/check') return server.fetch(request)
    try {
      return new Response((await check(fastmesh, searchParams.get('url'))).join(', '))
    } catch (error) {
      return new Response(`${error.stack}\n${error.cause?.stack ?? ''}`, { status: 500 })
    }
  },
}
