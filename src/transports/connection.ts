import type { JsonRpcMessage } from '../protocol/json-rpc.js'
import type { Session } from '../sessions/session.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Push, Reply } from '../sessions/sinks.js'
import { InMemoryTransport } from './in-memory.js'
import type { Transport } from './transport.js'

/** Serve one client over a connection that carries message objects. */
export async function serveTransport(transport: Transport, sessions: Sessions): Promise<Session> {
  // A client that has gone is heard of by `onclose`; what was on its way to it is lost.
  const send = async (message: string): Promise<void> => {
    await transport.send(JSON.parse(message) as JsonRpcMessage)
  }
  const sendOrLose = (message: string): Promise<void> => send(message).catch(() => undefined)
  const close = async (): Promise<void> => {
    await transport.close()
  }
  const session = sessions.connect(
    sharedPush(sendOrLose, () => void close().catch(() => undefined)),
    transport instanceof InMemoryTransport ? 'inMemory' : 'custom',
  )
  const reply = sharedReply(sendOrLose)
  transport.onmessage = (message) => {
    session.receive(message, reply)
  }
  const previous = transport.onclose
  transport.onclose = () => {
    previous?.()
    session.end('connection closed')
  }
  const onError = transport.onerror
  transport.onerror = (error) => {
    onError?.(error)
    session.report(error)
  }
  try {
    await transport.start()
  } catch (error) {
    session.end('connection closed')
    throw error
  }
  return session
}

/** What answers no request, on a wire that all messages share. */
export function sharedPush(send: (message: string) => void | Promise<void>, close: () => void): Push {
  return { send, close }
}

/** The reply to any message, on a wire that all messages share. */
export function sharedReply(send: (message: string) => void | Promise<void>): Reply {
  return {
    canSend: true,
    send,
    end(message) {
      if (message !== undefined) void send(message)
    },
    accept: () => undefined,
  }
}
