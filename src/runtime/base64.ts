const CHUNK = 0x8000

/** Bytes as Base64, by the runtime's fastest means. */
export function toBase64(bytes: Uint8Array): string {
  if (typeof Buffer !== 'undefined')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}

/** Text as URL-safe Base64 of its UTF-8. */
export function toBase64Url(text: string): string {
  return toBase64(new TextEncoder().encode(text))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** The text of strict, padded Base64 (RFC 4648, section 4), or `undefined` for anything else. */
export function textFromBase64(base64: string): string | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined
  try {
    const binary = atob(base64)
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The text of URL-safe Base64, or `undefined` for anything else. */
export function textFromBase64Url(base64Url: string): string | undefined {
  const base64 = base64Url.replaceAll('-', '+').replaceAll('_', '/')
  return textFromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='))
}
