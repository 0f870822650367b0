import { ready, toolNames } from './common.mjs'
import { composed } from './mounts.mjs'

const { server } = composed('own', toolNames)
const { port } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
ready(port)
