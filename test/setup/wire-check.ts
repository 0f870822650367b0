/** Check every message that leaves a server in this process against the schema of the revision it is spoken in. */
import { afterEach, expect } from 'vitest'
import { Requests } from '../../src/sessions/requests.js'
import { Session } from '../../src/sessions/session.js'
import type { Push, Reply } from '../../src/sessions/sinks.js'
import { problemsOf } from '../support/wire-schemas.js'

const problems: string[] = []
const versions = new WeakMap<Session, string>()
/** How many messages were checked; a test sees to it that there were any. */
export const checked = { count: 0 }

afterEach(() => {
  expect(problems.splice(0)).toEqual([])
})

function inspect(text: string, revision: string, method?: string): void {
  checked.count += 1
  const found = problemsOf(JSON.parse(text), revision, method)
  if (found.length > 0)
    problems.push(`${revision} ${method ?? ''} ${text.slice(0, 500)}: ${found.join('; ')}`)
}

function watched(reply: Reply, revision: () => string, method: string | undefined): Reply {
  return {
    canSend: reply.canSend,
    send(message) {
      inspect(message, revision())
      return reply.send(message)
    },
    end(message, status, headers) {
      if (message !== undefined) inspect(message, revision(), method)
      reply.end(message, status, headers)
    },
    accept() {
      reply.accept()
    },
    keepAlive() {
      reply.keepAlive?.()
    },
    hangUp() {
      reply.hangUp?.()
    },
  }
}

const receive = Session.prototype.receive
Session.prototype.receive = function (this: Session, payload, reply, http) {
  const { method, params } = (payload ?? {}) as {
    method?: string
    params?: { _meta?: object; protocolVersion?: unknown }
  }
  if (method === 'initialize' && !versions.has(this)) {
    const known = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
    const requested = String(params?.protocolVersion)
    versions.set(this, known.includes(requested) ? requested : '2025-11-25')
  }
  const meta: unknown = params?._meta
  const isAlone =
    typeof meta === 'object' && meta !== null && 'io.modelcontextprotocol/protocolVersion' in meta
  const revision = (): string => (isAlone ? '2026-07-28' : (versions.get(this) ?? '2025-11-25'))
  receive.call(this, payload, watched(reply, revision, method), http)
}

const answerAlone = Requests.prototype.answerAlone
Requests.prototype.answerAlone = function (this: Requests, request, reply, http, onSpeaker) {
  answerAlone.call(
    this,
    request,
    watched(reply, () => '2026-07-28', request.method),
    http,
    onSpeaker,
  )
}

const attach = Session.prototype.attach
Session.prototype.attach = function (this: Session, push: Push) {
  return attach.call(this, {
    send: (message) => {
      inspect(message, versions.get(this) ?? '2025-11-25')
      return push.send(message)
    },
    close: () => {
      push.close()
    },
  })
}
