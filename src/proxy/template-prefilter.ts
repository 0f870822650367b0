/**
 * A URI template of a server somewhere else, which alone knows how it reads it: here it is only
 * asked whether a URI may be meant, that is, whether the fixed parts occur in it, in their order.
 * The time that takes is linear in the URI.
 */
export class TemplatePrefilter {
  readonly #fixed: readonly string[]

  constructor(uriTemplate: string) {
    this.#fixed = uriTemplate.split(/\{[^{}]*\}/)
  }

  matches(uri: string): boolean {
    const [first = '', ...rest] = this.#fixed
    const last = rest.pop()
    if (last === undefined) return uri === first
    if (!uri.startsWith(first)) return false
    let at = first.length
    for (const part of rest) {
      const found = uri.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return uri.length - last.length >= at && uri.endsWith(last)
  }
}
