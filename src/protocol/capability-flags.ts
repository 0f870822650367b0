import { isObject } from './json-rpc.js'
import type { ClientCapabilities } from './types.js'

const SAMPLING = 1
const SAMPLING_TOOLS = 2
const SAMPLING_CONTEXT = 4
const ELICITATION_FORM = 8
const ELICITATION_URL = 16
const ROOTS = 32
const ROOTS_LIST_CHANGED = 64

/** All flags together: the greatest value. */
export const MAX_CAPABILITY_FLAGS = 127

/**
 * Returns the standard capabilities that a client declares, as bits. Servers may list other components to clients with
 * other capabilities, so lists are shared only between clients with the same flags. Extensions and experimental
 * capabilities have no flags.
 */
export function capabilityFlags(capabilities: ClientCapabilities | undefined): number {
  if (capabilities === undefined) return 0
  const { sampling, elicitation, roots } = capabilities
  let flags = 0
  if (isObject(sampling)) {
    flags |= SAMPLING
    if (sampling['tools'] !== undefined) flags |= SAMPLING_TOOLS
    if (sampling['context'] !== undefined) flags |= SAMPLING_CONTEXT
  }
  if (isObject(elicitation)) {
    const hasUrl = elicitation['url'] !== undefined
    if (hasUrl) flags |= ELICITATION_URL
    // An empty object means forms (client/elicitation, Capabilities).
    if (!hasUrl || elicitation['form'] !== undefined) flags |= ELICITATION_FORM
  }
  if (isObject(roots)) flags |= roots['listChanged'] === true ? ROOTS | ROOTS_LIST_CHANGED : ROOTS
  return flags
}

/** Returns the capabilities that flags stand for. */
export function capabilitiesOf(flags: number): ClientCapabilities {
  const has = (flag: number): boolean => (flags & flag) !== 0
  return {
    ...(has(SAMPLING) && {
      sampling: { ...(has(SAMPLING_TOOLS) && { tools: {} }), ...(has(SAMPLING_CONTEXT) && { context: {} }) },
    }),
    ...((has(ELICITATION_FORM) || has(ELICITATION_URL)) && {
      elicitation: { ...(has(ELICITATION_FORM) && { form: {} }), ...(has(ELICITATION_URL) && { url: {} }) },
    }),
    ...(has(ROOTS) && { roots: has(ROOTS_LIST_CHANGED) ? { listChanged: true } : {} }),
  }
}
