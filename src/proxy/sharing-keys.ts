import { MAX_CAPABILITY_FLAGS } from '../protocol/capability-flags.js'

/** How many variants of capabilities one caller may use, for each of its keys. The last is that without capabilities. */
const MAX_VARIANTS = 8

/** How many sets of headers and identities one caller may use. */
const MAX_KEYS = 64

/** How long an unused key counts, in milliseconds: headers may hold tokens that are replaced. */
const KEY_LIFETIME_MS = 5 * 60_000

/** How many callers are counted. */
const MAX_CALLERS = 10_000

interface KeyUse {
  readonly variants: Set<number>
  usedAt: number
}

/** The data that an upstream server is sent on behalf of a caller, besides the request itself. */
export interface SentData {
  /** The authenticated caller; all anonymous callers are one. */
  readonly principal: string | undefined
  /** The identity that the server is sent. */
  readonly identity: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  /** The standard capabilities: see `capabilityFlags`. */
  readonly flags: number
}

/** Callers with the same key share connections and lists. */
export interface SharingKey {
  readonly id: string
  /** The capabilities that the server is sent, which may be fewer than those of the caller. */
  readonly flags: number
  /** Whether the server is sent nothing but capabilities. */
  readonly isCommon: boolean
  /** Whether the caller has too many keys, so that nothing is kept for this one. */
  readonly isOverLimit: boolean
}

/** The keys of callers for which the server is sent nothing but capabilities, by the flags of these. */
const COMMON_KEYS: readonly SharingKey[] = Array.from(
  { length: MAX_CAPABILITY_FLAGS + 1 },
  (_none, flags) => ({
    id: String(flags),
    flags,
    isCommon: true,
    isOverLimit: false,
  }),
)

/** Derives the keys by which connections and lists are shared, within limits for each caller. */
export class SharingKeys {
  /** The variants that are in use, by the keys of each caller. */
  readonly #callers = new Map<string, Map<string, KeyUse>>()
  /** The variants that are in use by callers without headers and identity. */
  readonly #commonVariants = new Map<string, Set<number>>()

  /** Returns the key of a caller for which the server is sent nothing but capabilities. */
  common(principal = '', flags: number): SharingKey {
    const variants = this.#commonVariants.get(principal) ?? this.#addCommon(principal)
    const key = COMMON_KEYS[allowedOf(variants, flags)]
    return key as SharingKey
  }

  /** Returns the key of a caller for which the server is sent headers, or an identity. */
  of({ principal = '', identity, headers, flags }: SentData): SharingKey {
    const sent = JSON.stringify([identity, Object.entries(headers ?? {}).sort()])
    const keys = this.#keysOf(principal)
    const use = keys.get(sent) ?? this.#add(keys, sent)
    if (use === undefined) return { id: `${sent} 0`, flags: 0, isCommon: false, isOverLimit: true }
    use.usedAt = Date.now()
    const allowed = allowedOf(use.variants, flags)
    return { id: `${sent} ${allowed}`, flags: allowed, isCommon: false, isOverLimit: false }
  }

  clear(): void {
    this.#callers.clear()
    this.#commonVariants.clear()
  }

  /** Returns `undefined` where the caller has too many keys. */
  #add(keys: Map<string, KeyUse>, sent: string): KeyUse | undefined {
    const oldest = Date.now() - KEY_LIFETIME_MS
    if (keys.size >= MAX_KEYS) for (const [key, { usedAt }] of keys) if (usedAt < oldest) keys.delete(key)
    if (keys.size >= MAX_KEYS) return undefined
    const use = { variants: new Set([0]), usedAt: 0 }
    keys.set(sent, use)
    return use
  }

  #addCommon(principal: string): Set<number> {
    if (this.#commonVariants.size >= MAX_CALLERS)
      this.#commonVariants.delete(this.#commonVariants.keys().next().value as string)
    const variants = new Set([0])
    this.#commonVariants.set(principal, variants)
    return variants
  }

  #keysOf(principal: string): Map<string, KeyUse> {
    const known = this.#callers.get(principal)
    if (known !== undefined) return known
    if (this.#callers.size >= MAX_CALLERS) this.#callers.delete(this.#callers.keys().next().value as string)
    const keys = new Map<string, KeyUse>()
    this.#callers.set(principal, keys)
    return keys
  }
}

/** Returns the flags, or none where the caller has too many variants already. */
function allowedOf(variants: Set<number>, flags: number): number {
  if (variants.has(flags)) return flags
  if (variants.size >= MAX_VARIANTS) return 0
  variants.add(flags)
  return flags
}
