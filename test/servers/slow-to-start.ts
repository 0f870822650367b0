/** A server on stdio that takes longer to start than clients wait for its instructions. */
import { setTimeout as pause } from 'node:timers/promises'
import { featured } from './featured.js'

await pause(4000)
await featured().start()
