/**
 * Node's own modules, got at only when something needs them. Nothing imports `node:`, so
 * that the package loads and bundles for runtimes that have no such modules.
 */

interface NodeModules {
  'node:http': typeof import('node:http')
  'node:https': typeof import('node:https')
  'node:net': typeof import('node:net')
  'node:tls': typeof import('node:tls')
  'node:fs/promises': typeof import('node:fs/promises')
  'node:path': typeof import('node:path')
  'node:module': typeof import('node:module')
  'node:child_process': typeof import('node:child_process')
  'node:url': typeof import('node:url')
  'node:zlib': typeof import('node:zlib')
}

/** One of Node's modules, or `undefined` where the runtime is not Node. */
export function findNodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  return process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined
}

/** One of Node's modules. Throws what to do instead where the runtime is not Node. */
export function nodeModule<Name extends keyof NodeModules>(name: Name, instead: string): NodeModules[Name] {
  const found = findNodeModule(name)
  if (found === undefined) throw new Error(`This runtime has no ${name}: ${instead}`)
  return found
}
