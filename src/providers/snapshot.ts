import type { Component } from '../components/component.js'
import { COMPONENT_KINDS } from '../protocol/kinds.js'
import { LocalProvider } from './local.js'
import type { Provider } from './provider.js'

/** A copy of what a provider has at this moment; what comes and goes there later does not come and go here. */
export async function snapshot(provider: Provider): Promise<LocalProvider> {
  // All are asked for in one go, so that they are of one moment.
  const lists = await Promise.all(COMPONENT_KINDS.map(async (kind) => provider.list(kind, undefined)))
  const copy = new LocalProvider()
  for (const [index, kind] of COMPONENT_KINDS.entries()) copy.add(kind, lists[index] as readonly Component[])
  return copy
}
