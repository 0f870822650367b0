/** How many proxies one request may come through: more than any chain that somebody means, so that one that leads back to itself ends. */
export const MAX_HOPS = 16

/** A name by which a proxy knows again what it has passed on (RFC 9110, 7.6.3). */
export function newSignature(): string {
  return `1.1 fastmesh-${crypto.randomUUID().slice(0, 8)}`
}

/** The `Via` of what is passed on, given that of what came in. */
export function viaAfter(via: string | undefined, signature: string): string {
  return via === undefined ? signature : `${via}, ${signature}`
}

/** How many proxies a request has come through. */
export function hopsIn(via: string): number {
  return via.split(',').length
}
