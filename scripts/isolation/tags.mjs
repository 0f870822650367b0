/** Tags say whose something is: `caller-3:call-17` is of the seventeenth call of the third caller. */

const TAG = /caller-(\d+)/g

export function tagOf(caller, call) {
  return `caller-${caller}:call-${call}`
}

/** The number of the caller that a tag names, if it names one. */
export function ownerOf(tag) {
  const [, owner] = /caller-(\d+)/.exec(String(tag)) ?? []
  return owner === undefined ? undefined : Number(owner)
}

/** Returns the tags of others in a value of any kind that belongs to `owner`. */
export function foreignIn(owner, value) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  for (const [, caller] of text.matchAll(TAG)) if (Number(caller) !== owner) return text.slice(0, 300)
  return undefined
}

/** The tag within the URI of a resource, which has no colon in its path. */
export function tagToPath(tag) {
  return tag.replace(':', '.')
}

export function pathToTag(path) {
  return path.replace('.', ':')
}
