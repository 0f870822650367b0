import type { Readable, Writable } from 'node:stream'
import { ErrorCode, ProtocolError } from '../errors.js'
import { encodeError, parseJson } from '../protocol/json-rpc.js'
import type { Session } from '../sessions/session.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Credentials, RequestFacts } from '../sessions/sinks.js'
import { sharedPush, sharedReply } from './connection.js'
import { LineReader } from './lines.js'

/** How long a reader may take for what is left when the server stops, in milliseconds. */
const FLUSH_MS = 2000

/** The longest line that is read, in bytes. */
const MAX_LINE_BYTES = 10 * 1024 * 1024

export interface StdioStreams {
  readonly stdin: Readable
  readonly stdout: Writable
  /** Takes what user code writes to stdout, which is the wire. */
  readonly stderr: Writable
}

/** A server on stdio: one client, until its end of the pipe closes. */
export interface StdioServer {
  /** Resolves when the client has closed its end, or cannot be written to any more. */
  readonly ended: Promise<void>
  /** Let go of the streams, once what was written is out. */
  close(): Promise<void>
}

/** Serve one client over a process's own streams, a message a line (basic/transports/stdio). */
export function serveStdio(
  sessions: Sessions,
  streams: StdioStreams,
  credentials?: Credentials,
): StdioServer {
  const { stdin } = streams
  const output = new LineWriter(streams)
  const { promise: ended, resolve: end } = withResolvers()
  const session = sessions.connect(
    sharedPush(output.write, () => {
      end()
    }),
    'stdio',
    credentials?.principal,
    true,
  )
  const facts = credentials && { credentials }
  const reply = sharedReply(output.write)
  const lines = new LineReader(
    MAX_LINE_BYTES,
    (line) => {
      receiveLine(session, line, output, reply, facts)
    },
    () => {
      const problem = `A line must not be longer than ${MAX_LINE_BYTES} bytes`
      void output.write(encodeError(undefined, new ProtocolError(ErrorCode.InvalidRequest, problem)))
    },
  )

  const onData = (chunk: Buffer): void => {
    lines.push(chunk)
    if (!output.isCongested) return
    stdin.pause()
    void output.drained().then(() => stdin.resume())
  }
  const onEnd = (): void => {
    lines.end()
    onClose()
  }
  const onClose = (): void => {
    session.gone()
    end()
  }
  const onBroken = (): void => {
    session.cancelAll('the client has gone')
    onClose()
  }
  stdin.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onBroken)
  output.onBroken = onBroken

  return {
    ended,
    async close() {
      stdin.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onBroken)
      stdin.pause()
      session.end('connection closed')
      await output.close()
    },
  }
}

function receiveLine(
  session: Session,
  line: string,
  output: LineWriter,
  reply: ReturnType<typeof sharedReply>,
  facts: RequestFacts | undefined,
): void {
  let payload: unknown
  try {
    payload = parseJson(line)
  } catch (error) {
    void output.write(encodeError(undefined, error as ProtocolError))
    return
  }
  session.receive(payload, reply, facts)
}

/** Writes lines to stdout, all of one turn of the event loop at once, and keeps everybody else off it. */
class LineWriter {
  onBroken: () => void = () => undefined
  readonly #stdout: Writable
  readonly #write: (text: string, done?: () => void) => boolean
  readonly #release: () => void
  #pending = ''
  #isScheduled = false
  #isBroken = false
  #drained: Promise<void> | undefined

  constructor({ stdout, stderr }: StdioStreams) {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was when the wire is let go
    const original = stdout.write
    this.#stdout = stdout
    this.#write = (text, done) => original.call(stdout, text, 'utf8', done)
    stdout.write = (chunk: never, ...rest: never[]) => stderr.write(chunk, ...rest)
    const onError = (): void => {
      this.#isBroken = true
      this.onBroken()
    }
    stdout.on('error', onError)
    this.#release = () => {
      stdout.write = original
      stdout.off('error', onError)
    }
  }

  get isCongested(): boolean {
    return this.#drained !== undefined
  }

  /** Resolves when the reader has caught up. */
  drained(): Promise<void> {
    return this.#drained ?? Promise.resolve()
  }

  readonly write = (message: string): void | Promise<void> => {
    if (this.#isBroken) return
    this.#pending += `${message}\n`
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#flush()
      })
    }
    return this.#drained
  }

  /** Resolves when all that was written is out, or will not be. */
  async close(): Promise<void> {
    this.#flush()
    if (!this.#isBroken)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FLUSH_MS)
        this.#write('', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    this.#release()
  }

  #flush(): void {
    this.#isScheduled = false
    const text = this.#pending
    this.#pending = ''
    if (text === '' || this.#isBroken || this.#write(text)) return
    this.#drained ??= new Promise((resolve) => {
      const done = (): void => {
        this.#drained = undefined
        this.#stdout.off('drain', done).off('error', done).off('close', done)
        resolve()
      }
      this.#stdout.once('drain', done).once('error', done).once('close', done)
    })
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
