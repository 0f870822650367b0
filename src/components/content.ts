import type {
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  Resource,
  ResourceContents,
  ResourceLink,
} from '../protocol/types.js'
import { toBase64 } from '../runtime/base64.js'
import { nodeModule } from '../runtime/node-modules.js'

/** Where the bytes of a picture or a sound are; one of the three. */
export type MediaSource = (
  { readonly path: string } | { readonly url: string | URL } | { readonly buffer: Uint8Array | ArrayBuffer }
) & {
  /** Left out, it is found out from the bytes, from what the server said, or from the ending of the name. */
  readonly mimeType?: string
  /** Calls off the download of a `url`. */
  readonly signal?: AbortSignal
}

/** How long a download may take when the caller gives no signal, in milliseconds. */
const DOWNLOAD_TIMEOUT_MS = 30_000

/** How much a download may bring, in bytes. */
const DOWNLOAD_LIMIT = 32 * 1024 * 1024

interface Media {
  readonly bytes: Uint8Array
  readonly name: string | undefined
  readonly saidType: string | undefined
}

/** A picture for a tool result or a prompt message (server/tools, Image Content). */
export async function image(source: MediaSource): Promise<ImageContent> {
  return { type: 'image', ...(await readMedia(source, 'image')) }
}

/** A sound for a tool result or a prompt message (server/tools, Audio Content). */
export async function audio(source: MediaSource): Promise<AudioContent> {
  return { type: 'audio', ...(await readMedia(source, 'audio')) }
}

/** A resource that the client may read if it wants to (server/tools, Resource Links). */
export function resourceLink(resource: Resource): ResourceLink {
  return { type: 'resource_link', ...resource }
}

/** A resource put into a tool result or a prompt message as it is (server/tools, Embedded Resources). */
export function embedded(
  resource: { uri: string; mimeType?: string } & ({ text: string } | { blob: Uint8Array | string }),
): EmbeddedResource {
  if ('text' in resource) return { type: 'resource', resource }
  const { blob, ...rest } = resource
  return { type: 'resource', resource: { ...rest, blob: typeof blob === 'string' ? blob : toBase64(blob) } }
}

/** Whether a value is a content block as MCP defines it. */
export function isContentBlock(value: unknown): value is ContentBlock {
  if (typeof value !== 'object' || value === null) return false
  const block = value as Record<string, unknown>
  switch (block['type']) {
    case 'text':
      return typeof block['text'] === 'string'
    case 'image':
    case 'audio':
      return typeof block['data'] === 'string' && typeof block['mimeType'] === 'string'
    case 'resource_link':
      return typeof block['uri'] === 'string' && typeof block['name'] === 'string'
    case 'resource':
      return isResourceContents(block['resource'])
    default:
      return false
  }
}

function isResourceContents(value: unknown): value is ResourceContents {
  if (typeof value !== 'object' || value === null) return false
  const { uri, text, blob } = value as Record<string, unknown>
  return typeof uri === 'string' && (typeof text === 'string' || typeof blob === 'string')
}

async function readMedia(
  source: MediaSource,
  family: 'image' | 'audio',
): Promise<{ data: string; mimeType: string }> {
  const media = await bytesOf(source)
  const mimeType = source.mimeType ?? (await findType(media, family))
  return { data: toBase64(media.bytes), mimeType }
}

async function bytesOf(source: MediaSource): Promise<Media> {
  if ('buffer' in source) {
    const bytes = source.buffer instanceof Uint8Array ? source.buffer : new Uint8Array(source.buffer)
    return { bytes, name: undefined, saidType: undefined }
  }
  if ('path' in source) {
    const { readFile } = nodeModule('node:fs/promises', 'give the bytes as `buffer` instead of a `path`')
    return { bytes: await readFile(source.path), name: source.path, saidType: undefined }
  }
  return download(new URL(source.url), source.signal ?? AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS))
}

async function download(url: URL, signal: AbortSignal): Promise<Media> {
  const response = await fetch(url, { signal })
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    throw new Error(`Could not download ${url.href}: HTTP ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > DOWNLOAD_LIMIT) throw new Error(`${url.href} is larger than ${DOWNLOAD_LIMIT} bytes`)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  const saidType = response.headers.get('content-type')?.split(';')[0]?.trim()
  return { bytes, name: url.pathname, saidType }
}

/** Bytes do not lie, servers seldom, endings sometimes: ask in this order. */
async function findType({ bytes, name, saidType }: Media, family: 'image' | 'audio'): Promise<string> {
  const { fileTypeFromBuffer } = await import('file-type')
  const sniffed = (await fileTypeFromBuffer(bytes))?.mime
  const named =
    name === undefined ? undefined : ((await import('mime/lite')).default.getType(name) ?? undefined)
  const found = [sniffed, saidType, named].find((type) => type?.startsWith(`${family}/`))
  if (found !== undefined) return found
  throw new TypeError(
    `Cannot tell what type of ${family} this is${sniffed ? ` (it looks like ${sniffed})` : ''}: give its mimeType`,
  )
}
