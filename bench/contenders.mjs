import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Who is measured, and in what era each is asked. */
export const CONTENDERS = [
  { label: 'node:http', file: 'node-http', era: 'none' },
  { label: 'hono', file: 'hono', era: 'none' },
  { label: 'fastmesh 2025', file: 'fastmesh', era: '2025-11-25' },
  { label: 'fastmesh 2026', file: 'fastmesh', era: '2026-07-28' },
  { label: 'sdk v2 2025', file: 'sdk', era: '2025-11-25' },
  { label: 'sdk v2 2026', file: 'sdk', era: '2026-07-28' },
  { label: 'fastmcp 2025', file: 'fastmcp', era: '2025-11-25' },
  { label: 'tmcp 2025', file: 'tmcp', era: '2025-06-18' },
  { label: 'tmcp 2026', file: 'tmcp', era: '2026-07-28' },
]

/** A contender's process. */
export class Contender {
  #child
  #failed
  port

  static async start(file, tools, execArgv = [], env = {}) {
    const contender = new Contender()
    const path = fileURLToPath(new URL(`contenders/${file}.mjs`, import.meta.url))
    contender.#child = fork(path, {
      env: { ...process.env, TOOLS: String(tools), ...env },
      execArgv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    contender.#child.once('exit', (code) => contender.#failed?.(new Error(`A contender ended with ${code}`)))
    contender.port = (await contender.#message()).port
    return contender
  }

  /** Microseconds of CPU used so far, all threads together. */
  async cpu() {
    const answer = this.#message()
    this.#child.send('usage')
    const { cpu } = await answer
    return cpu.user + cpu.system
  }

  /** Bytes of heap in use, once all that is not has been collected. Needs `--expose-gc`. */
  async heap() {
    const answer = this.#message()
    this.#child.send('heap')
    return (await answer).heap
  }

  stop() {
    this.#child.kill()
  }

  #message() {
    return new Promise((resolve, reject) => {
      this.#child.once('message', resolve)
      this.#failed = reject
    })
  }
}
