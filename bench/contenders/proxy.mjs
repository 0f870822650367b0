/** A proxy to a server in another process, which speaks the era that `UPSTREAM` says; `ANONYMOUS` is the option of that name. */
import { FastMCP } from '../../dist/index.js'
import { ready } from './common.mjs'
import { startUpstream } from './upstream.mjs'

const port = await startUpstream()
const proxy = FastMCP.asProxy(`http://127.0.0.1:${port}/mcp`, {
  era: process.env.UPSTREAM,
  anonymous: process.env.ANONYMOUS,
})
const serving = await proxy.start({ httpStream: { port: 0, host: '127.0.0.1' } })
ready(serving.port)
