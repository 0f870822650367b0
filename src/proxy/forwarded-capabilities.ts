import { isObject } from '../protocol/json-rpc.js'
import type { ClientCapabilities, ServerCapabilities } from '../protocol/types.js'

/** Extensions that a proxy does not pass on, because it cannot route their methods yet. */
const WITHHELD: ReadonlySet<string> = new Set(['io.modelcontextprotocol/tasks'])

/** Returns the capabilities of a client that an upstream server is sent: all but those that cannot be passed on. */
export function forwardedCapabilities(capabilities: ClientCapabilities): ClientCapabilities {
  const { extensions } = capabilities
  const isWithheld = 'tasks' in capabilities || (isObject(extensions) && Object.keys(extensions).some(has))
  if (!isWithheld) return capabilities
  const { tasks: _, ...kept } = capabilities as ClientCapabilities & { tasks?: unknown }
  return { ...kept, ...(isObject(extensions) && { extensions: withoutWithheld(extensions) }) }
}

/** Returns the extensions of an upstream server that a proxy offers. */
export function forwardedExtensions({ extensions }: ServerCapabilities): ServerCapabilities['extensions'] {
  if (!isObject(extensions)) return undefined
  const kept = withoutWithheld(extensions)
  return Object.keys(kept).length === 0 ? undefined : kept
}

/**
 * Returns the extension that a method belongs to: the one whose name, with or without its vendor, is followed by `/` at
 * the beginning of the method, as in `com.example/search` and `search/query`.
 */
export function extensionOf(
  method: string,
  extensions: ServerCapabilities['extensions'],
): string | undefined {
  if (!isObject(extensions)) return undefined
  return Object.keys(extensions).find((extension) => {
    const name = extension.slice(extension.indexOf('/') + 1)
    return !has(extension) && (method.startsWith(`${name}/`) || method.startsWith(`${extension}/`))
  })
}

function has(extension: string): boolean {
  return WITHHELD.has(extension)
}

function withoutWithheld(extensions: object): NonNullable<ServerCapabilities['extensions']> {
  return Object.fromEntries(Object.entries(extensions).filter(([extension]) => !has(extension)))
}
