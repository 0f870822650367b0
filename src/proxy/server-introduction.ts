import type { Agreement } from '../protocol/client-dialects.js'
import { isObject } from '../protocol/json-rpc.js'
import type { Icon, Implementation } from '../protocol/types.js'
import type { ServerIntroduction } from '../providers/proxied-server.js'
import { forwardedExtensions } from './forwarded-capabilities.js'

/** The lengths up to which a server's texts are passed on, in characters. Longer ones are left out, names are cut. */
const MAX_NAME_LENGTH = 128
const MAX_TITLE_LENGTH = 256
const MAX_DESCRIPTION_LENGTH = 4096
const MAX_URL_LENGTH = 2048

/** How many icons are passed on, and how long a `data:` URI may be. */
const MAX_ICONS = 16
const MAX_DATA_URI_LENGTH = 64 * 1024

const KNOWN = new WeakMap<Agreement, ServerIntroduction>()

/** Returns a server's information as a proxy passes it on: limited in length. */
export function serverIntroduction(agreement: Agreement): ServerIntroduction {
  const known = KNOWN.get(agreement)
  if (known !== undefined) return known
  const { info, instructions, capabilities } = agreement
  const introduction = {
    info: info && limitedInfo(info),
    instructions,
    extensions: forwardedExtensions(capabilities),
  }
  KNOWN.set(agreement, introduction)
  return introduction
}

function limitedInfo({ name, version, title, ...rest }: Implementation): Implementation | undefined {
  const shownName = printable(name).slice(0, MAX_NAME_LENGTH)
  if (shownName === '') return undefined
  const icons = iconsIn(rest.icons)
  const titleText = textIn(title, MAX_TITLE_LENGTH)
  const description = textIn(rest.description, MAX_DESCRIPTION_LENGTH)
  const websiteUrl = textIn(rest.websiteUrl, MAX_URL_LENGTH)
  return {
    name: shownName,
    version: textIn(version, MAX_NAME_LENGTH) ?? '0.0.0',
    ...(titleText !== undefined && { title: titleText }),
    ...(description !== undefined && { description }),
    ...(websiteUrl !== undefined && { websiteUrl }),
    ...(icons.length > 0 && { icons }),
  }
}

function textIn(text: unknown, maxLength: number): string | undefined {
  return typeof text === 'string' && text.length <= maxLength ? printable(text) : undefined
}

/** Control characters have no place in names that terminals and logs show. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, (character) => (/[\t\n]/.test(character) ? character : ''))
}

function iconsIn(icons: unknown): Icon[] {
  if (!Array.isArray(icons)) return []
  const usable = (icons as unknown[]).filter((icon): icon is Icon & Record<string, unknown> => {
    if (!isObject(icon) || typeof icon['src'] !== 'string') return false
    return icon['src'].length <= (icon['src'].startsWith('data:') ? MAX_DATA_URI_LENGTH : MAX_URL_LENGTH)
  })
  return usable.slice(0, MAX_ICONS)
}
