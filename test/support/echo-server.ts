import { FastMCP } from 'fastmesh'
import { z } from 'zod'
import { onCleanup, serve } from './clients.js'
import { Raw } from './raw-http.js'

export const NAME = { name: 'test', version: '1.0.0' }
export const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** A server with a tool that echoes, one that answers plainly and one that reports progress first. */
export function echoServer(): FastMCP<unknown, object> {
  return new FastMCP(NAME)
    .addTool({ name: 'echo', parameters: z.object({ text: z.string() }), execute: ({ text }) => text })
    .addTool({ name: 'plain', execute: () => 'plain' })
    .addTool({
      name: 'streams',
      execute: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 1 })
        return 'streamed'
      },
    })
}

/** A raw connection to a server that is started for it. */
export async function rawTo(server: FastMCP<unknown, object> = echoServer(), options?: object): Promise<Raw> {
  const connection = await Raw.connect(await serve(server, options))
  onCleanup(() => connection.destroy())
  return connection
}
