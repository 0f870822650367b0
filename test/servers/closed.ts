/** A server on stdio that lets in only who is known: `process.env.USER_KEY` says whether this process is. */
import { FastMCP } from 'fastmesh'

await new FastMCP<{ key: string }>({
  name: 'closed',
  version: '1.0.0',
  authenticate: ({ transport, headers }) => {
    if (process.env['USER_KEY'] === undefined || Object.keys(headers).length > 0) throw new Error('No key')
    return { key: `${transport} ${process.env['USER_KEY']}` }
  },
})
  .addTool({ name: 'who', execute: (_args, { session }) => session.key })
  .start()
