import type { ChildProcess } from 'node:child_process'
import { ConnectionError, MessageTooLongError } from '../../errors.js'
import { parseJson, type JsonRpcMessage } from '../../protocol/json-rpc.js'
import { nodeModule } from '../../runtime/node-modules.js'
import { LineReader } from '../../transports/lines.js'
import type { Transport } from '../../transports/transport.js'

/** A server that is started as a process of its own, and spoken to through its stdin and stdout. */
export interface StdioTransportOptions {
  readonly command: string
  readonly args?: readonly string[] | undefined
  /** Added to the few variables of this process that programs need to run: `PATH`, `HOME` and the like. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** What becomes of what it writes to stderr. Default: `inherit`. */
  readonly stderr?: 'inherit' | 'ignore' | undefined
  /** How long one message of the server may be, in bytes. Default: 64 MiB. */
  readonly maxMessageBytes?: number | undefined
}

/** What of this process's environment a server gets: what programs need, and no secrets. */
const INHERITED = [
  'APPDATA',
  'HOME',
  'HOMEDRIVE',
  'HOMEPATH',
  'LANG',
  'LOCALAPPDATA',
  'LOGNAME',
  'PATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMFILES',
  'SHELL',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TERM',
  'TMPDIR',
  'USER',
  'USERNAME',
  'USERPROFILE',
]

/** How long a server may take to end by itself once its stdin is closed, and then once it is told to, in milliseconds. */
const GRACE_MS = 2000

/** How long what a process wrote last may take to come when it has ended, in milliseconds. */
const LAST_WORDS_MS = 200

const { process } = globalThis as unknown as { process: NodeJS.Process }
const HAS_GROUPS = (process as NodeJS.Process | undefined)?.platform !== 'win32'

/** How much may wait for a process to read it before no more is written, in bytes. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** Whatever runs on behalf of this process: it must not outlive it. */
const RUNNING = new Set<ChildProcess>()
let isWatchingExit = false

/** A connection to a server that runs as a process of its own (basic/transports, stdio). Closing it ends the process. */
export class StdioTransport implements Transport {
  onmessage?: ((message: never, facts?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  readonly #options: StdioTransportOptions
  #child: ChildProcess | undefined
  #exited: Promise<void> | undefined
  #isClosed = false

  constructor(options: StdioTransportOptions) {
    this.#options = options
  }

  /** The process's id, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Start the process. @throws ConnectionError where it cannot be started. */
  async start(): Promise<void> {
    const { command, args = [], cwd, env, stderr = 'inherit' } = this.#options
    if (this.#child !== undefined) throw new Error('This process was started already')
    const { spawn } = nodeModule('node:child_process', 'reach the server over HTTP instead')
    const child = spawn(command, args, {
      cwd,
      env: { ...inheritedEnvironment(), ...env },
      stdio: ['pipe', 'pipe', stderr],
      windowsHide: true,
      // A process group of its own, so that what it starts in turn ends with it.
      detached: HAS_GROUPS,
    })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => {
        // What it wrote last is still to be read; what it started, and left behind, ends with it.
        const timer = setTimeout(() => child.stdout?.destroy(), LAST_WORDS_MS)
        signalAll(child, 'SIGTERM')
        child.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
      })
      child.once('error', () => {
        resolve()
      })
    })
    void this.#exited.then(() => {
      RUNNING.delete(child)
      this.#ended()
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => {
        reject(new ConnectionError(`'${command}' cannot be started`, 'not begun', error))
      })
    })
    child.on('error', (error) => this.onerror?.(error))
    endWithThisProcess(child)
    this.#read(child)
  }

  /** @throws ConnectionError where the process has ended, or has not read what was written before. */
  send(message: JsonRpcMessage): Promise<void> {
    return new Promise((resolve) => {
      const { command } = this.#options
      const stdin = this.#child?.stdin
      if (this.#isClosed || stdin?.writable !== true)
        throw new ConnectionError(`'${command}' is not running`, 'not begun')
      if (stdin.writableLength > MAX_UNREAD_BYTES)
        throw new ConnectionError(
          `'${command}' does not read its input: more than ${MAX_UNREAD_BYTES} bytes wait for it`,
          'not begun',
        )
      // A process that closes its input ends, which `onclose` reports.
      stdin.write(`${JSON.stringify(message)}\n`)
      resolve()
    })
  }

  /** End the process: by closing its stdin, and if it does not end by that, by signals. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined || this.#exited === undefined) {
      this.#ended()
      return
    }
    child.stdin?.end()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await isOverWithin(GRACE_MS, this.#exited)) return
      signalAll(child, signal)
    }
    await isOverWithin(GRACE_MS, this.#exited)
    // Its own children may hold its pipes open.
    child.stdout?.destroy()
    this.#ended()
  }

  #read(child: ChildProcess): void {
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = this.#options
    const lines = new LineReader(
      maxMessageBytes,
      (line) => {
        this.#receive(line)
      },
      () => {
        this.onerror?.(new MessageTooLongError(maxMessageBytes))
        signalAll(child, 'SIGTERM')
      },
    )
    child.stdout?.on('data', (chunk: Buffer) => {
      lines.push(chunk)
    })
    // What can be written to no more is heard of when the process has ended.
    child.stdin?.on('error', () => undefined)
  }

  #receive(line: string): void {
    let message: unknown
    try {
      message = parseJson(line)
    } catch {
      this.onerror?.(new Error(`'${this.#options.command}' wrote what is no message: ${line.slice(0, 100)}`))
      return
    }
    this.onmessage?.(message as never)
  }

  #ended(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.onclose?.()
  }
}

/** A server that npx fetches and starts: `new NpxStdioTransport({ package: '@scope/server', args: ['/srv'] })`. */
export class NpxStdioTransport extends StdioTransport {
  constructor({ package: name, args = [], ...options }: NpxStdioTransportOptions) {
    if (name.startsWith('-')) throw new TypeError(`'${name}' is no package`)
    super({ ...options, command: 'npx', args: ['--yes', name, ...args] })
  }
}

export interface NpxStdioTransportOptions extends Omit<StdioTransportOptions, 'command'> {
  /** Its name, with a version if it matters: `@scope/server@1.2.3`. */
  readonly package: string
}

function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name]
      // A function that a shell exported would be run by the next one.
      return value === undefined || value.startsWith('()') ? [] : [[name, value]]
    }),
  )
}

function endWithThisProcess(child: ChildProcess): void {
  RUNNING.add(child)
  if (isWatchingExit) return
  isWatchingExit = true
  process.on('exit', () => {
    for (const running of RUNNING) signalAll(running, 'SIGTERM')
  })
}

/** To the process and to all that it started. */
function signalAll(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (HAS_GROUPS && child.pid !== undefined) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // It has ended already.
  }
}

async function isOverWithin(ms: number, exited: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const isOver = await Promise.race([exited.then(() => true), tooLong])
  clearTimeout(timer)
  return isOver
}
