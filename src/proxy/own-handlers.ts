import { Answers } from '../client/answers.js'
import type { ClientOptions } from '../client/client-options.js'
import type { ComponentKind } from '../protocol/kinds.js'
import type { ClientCapabilities } from '../protocol/types.js'
import type { LogMessage } from '../client/client-options.js'
import type { OwnHandlers } from './upstream-connection.js'

/** The handlers of a `Client` that a proxy was made of. */
export interface ClientHandlers extends OwnHandlers {
  readonly capabilities: ClientCapabilities
  listChanged(kind: ComponentKind): void
  warn(problem: string, error: unknown): void
}

const LISTS = {
  tool: 'tools',
  resource: 'resources',
  resourceTemplate: 'resources',
  prompt: 'prompts',
} as const

/**
 * Returns the handlers of a client, as they hold for the proxy that is made of it: input requests that it has a handler
 * for are answered by it, in place of the clients in front. `undefined` for a client without any.
 */
export function ownHandlersOf(options: ClientOptions): ClientHandlers | undefined {
  const { roots, sampling, elicitation, capabilities, onLog, onListChanged, onError } = options
  const handlers = [roots, sampling, elicitation, capabilities, onLog, onListChanged, onError]
  if (handlers.every((handler) => handler === undefined)) return undefined
  const answers = new Answers(options)
  const answered = new Set<string>([
    ...(roots === undefined ? [] : ['roots/list']),
    ...(sampling === undefined ? [] : ['sampling/createMessage']),
    ...(elicitation === undefined ? [] : ['elicitation/create']),
  ])
  const safely = (listener: () => void): void => {
    try {
      listener()
    } catch (error) {
      onError?.(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return {
    capabilities: answers.capabilities,
    answer: (method, params, signal) =>
      answered.has(method) ? answers.answer(method, params, signal) : undefined,
    log: (message) => {
      safely(() => onLog?.(message as unknown as LogMessage))
    },
    listChanged: (kind) => {
      safely(() => onListChanged?.(LISTS[kind]))
    },
    warn: (problem, cause) => onError?.(new Error(problem, { cause })),
  }
}
