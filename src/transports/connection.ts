import type { JsonRpcMessage } from '../protocol/json-rpc.js'
import type { RequestId } from '../protocol/types.js'
import type { Session } from '../sessions/session.js'
import type { Sessions } from '../sessions/sessions.js'
import type { TransportName } from '../sessions/client-session.js'
import { principalOf } from '../sessions/principal.js'
import type { Credentials, Push, Reply, RequestFacts } from '../sessions/sinks.js'
import { InMemoryTransport } from './in-memory.js'
import type { MessageFacts, Transport } from './transport.js'

/** Serve one client over a connection that carries message objects. */
export async function serveTransport(
  transport: Transport,
  sessions: Sessions,
  credentials?: Credentials,
): Promise<Session> {
  const send = senderOver(transport)
  const close = async (): Promise<void> => {
    await transport.close()
  }
  const session = sessions.connect(
    sharedPush(
      (message) => send(message, undefined),
      () => void close().catch(() => undefined),
    ),
    nameOf(transport),
    credentials?.principal,
    transport instanceof InMemoryTransport && !transport.isShared,
  )
  const facts = credentials && { credentials }
  transport.onmessage = (message: { readonly id?: unknown }, told?: unknown) => {
    const { id } = (message as { readonly id?: RequestId } | null) ?? {}
    try {
      const known = factsIn(told as MessageFacts | undefined) ?? facts
      session.receive(
        message,
        sharedReply((text) => send(text, id)),
        known,
      )
    } catch (error) {
      // It cannot be said who sent it.
      session.report(error)
    }
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

/** What users know a connection as that was handed over. */
export function nameOf(transport: Transport): TransportName {
  return transport instanceof InMemoryTransport ? 'inMemory' : 'custom'
}

/** Who sent a message, where that is known of each: from another server of this process, or from what an SDK's middleware found out. */
function factsIn({ credentials, authInfo }: MessageFacts = {}): RequestFacts | undefined {
  if (credentials !== undefined) return { credentials }
  if (authInfo === undefined) return undefined
  return { credentials: { auth: authInfo, principal: principalOf(authInfo) } }
}

/** A client that has gone is heard of by `onclose`; what was on its way to it is lost. */
function senderOver(
  transport: Transport,
): (message: string, related: RequestId | undefined) => Promise<void> {
  if (transport instanceof InMemoryTransport)
    return (message, related) => transport.sendText(message, related).catch(() => undefined)
  const send = async (message: string, relatedRequestId: RequestId | undefined): Promise<void> => {
    const parsed = JSON.parse(message) as JsonRpcMessage
    await transport.send(parsed, relatedRequestId === undefined ? undefined : { relatedRequestId })
  }
  return (message, related) => send(message, related).catch(() => undefined)
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
