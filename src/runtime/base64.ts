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

/** Bytes as URL-safe Base64, without padding (RFC 4648, section 5). */
export function bytesToBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Text as URL-safe Base64 of its UTF-8. */
export function toBase64Url(text: string): string {
  return bytesToBase64Url(new TextEncoder().encode(text))
}

/** The bytes of strict, padded Base64 (RFC 4648, section 4), or `undefined` for anything else. */
function bytesFromBase64(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** The text of strict, padded Base64, or `undefined` for anything else. */
export function textFromBase64(base64: string): string | undefined {
  const bytes = bytesFromBase64(base64)
  try {
    return bytes && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The text of URL-safe Base64, or `undefined` for anything else. */
export function textFromBase64Url(base64Url: string): string | undefined {
  return textFromBase64(padded(base64Url))
}

/** The bytes of URL-safe Base64, or `undefined` for anything else. */
export function bytesFromBase64Url(base64Url: string): Uint8Array<ArrayBuffer> | undefined {
  return bytesFromBase64(padded(base64Url))
}

function padded(base64Url: string): string {
  const base64 = base64Url.replaceAll('-', '+').replaceAll('_', '/')
  return base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')
}
