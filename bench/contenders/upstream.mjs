import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Start the server behind a proxy, in a process of its own, which ends with this one. Gives its port. */
export function startUpstream() {
  const child = fork(fileURLToPath(new URL('own.mjs', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  process.on('exit', () => child.kill())
  process.on('SIGTERM', () => process.exit(0))
  return new Promise((resolve) => child.once('message', ({ port }) => resolve(port)))
}
