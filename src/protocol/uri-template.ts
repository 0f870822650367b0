/**
 * RFC 6570 templates, read the other way round: from a URI to the values in it.
 *
 * Matching never goes back: a value ends where the text behind it first occurs, or, if that
 * text is the last of the template, where it last does. So the time it takes is linear in the
 * URI, whatever the template, and a URI has one reading only.
 */

/** What a template's variables hold; an optional one that is absent is not a member. */
export type TemplateValues = Record<string, string>

interface Variable {
  readonly name: string
  /** May hold slashes: `{name*}`, `{+name}`, `{#name}`. */
  readonly multiSegment: boolean
}

interface Literal {
  readonly literal: string
}

interface Expression {
  readonly operator: string
  readonly variables: readonly Variable[]
}

type Part = Literal | Expression

/** What a URI is compared with, one after the other: literal text, or a value to be read. */
type Step = string | Variable

const OPERATORS = '+#./;?&'
const EXPRESSION = /\{([^{}]*)\}/g
const VARIABLE = /^([A-Za-z0-9_.%-]+?)(\*|:\d+)?$/

export class UriTemplate {
  readonly template: string
  readonly variables: readonly string[]
  readonly #steps: readonly Step[]
  readonly #query: ReadonlySet<string>
  readonly #hasQuery: boolean
  readonly #takesUnsafe: boolean

  /**
   * Values that could lead out of a folder are not read, unless `takesUnsafe`.
   * @throws TypeError for what is not a template, or one that could be read in several ways.
   */
  constructor(template: string, takesUnsafe = false) {
    this.template = template
    this.#takesUnsafe = takesUnsafe
    const parts = parseTemplate(template)
    const query = parts.filter(isQuery).flatMap(({ variables }) => variables.map(({ name }) => name))
    this.#steps = stepsOf(parts.filter((part) => !isQuery(part)))
    this.#query = new Set(query)
    this.#hasQuery = query.length > 0
    this.variables = parts.flatMap((part) =>
      'literal' in part ? [] : part.variables.map(({ name }) => name),
    )
    refuseAmbiguous(template, parts, this.variables)
  }

  /** The values with which this template gives `uri`, or `undefined` if no values do. */
  match(uri: string): TemplateValues | undefined {
    const values: TemplateValues = Object.create(null) as TemplateValues
    const queryAt = this.#hasQuery ? uri.indexOf('?') : -1
    const path = queryAt < 0 ? uri : uri.slice(0, queryAt)
    if (!matchPath(this.#steps, path, values, this.#takesUnsafe)) return undefined
    if (queryAt >= 0 && !matchQuery(this.#query, uri.slice(queryAt + 1), values, this.#takesUnsafe))
      return undefined
    return values
  }
}

function isQuery(part: Part): part is Expression {
  return 'operator' in part && (part.operator === '?' || part.operator === '&')
}

function parseTemplate(template: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const found of template.matchAll(EXPRESSION)) {
    if (found.index > end) parts.push({ literal: template.slice(end, found.index) })
    parts.push(parseExpression(template, found[1] as string))
    end = found.index + found[0].length
  }
  if (end < template.length) parts.push({ literal: template.slice(end) })
  if (parts.some((part) => 'literal' in part && /[{}]/.test(part.literal)))
    throw new TypeError(`URI template "${template}" has a brace without its partner`)
  return parts
}

function parseExpression(template: string, body: string): Part {
  const operator = OPERATORS.includes(body.charAt(0)) ? body.charAt(0) : ''
  const variables = body
    .slice(operator.length)
    .split(',')
    .map((text) => {
      const [, name, modifier] = VARIABLE.exec(text) ?? []
      if (name === undefined)
        throw new TypeError(`URI template "${template}" has no readable variable in {${body}}`)
      return { name, multiSegment: modifier === '*' || operator === '+' || operator === '#' }
    })
  return { operator, variables }
}

/** Two values with nothing between them could be divided anywhere; a query must come last. */
function refuseAmbiguous(template: string, parts: readonly Part[], names: readonly string[]): void {
  if (new Set(names).size !== names.length)
    throw new TypeError(`URI template "${template}" names a variable twice`)
  const firstQuery = parts.findIndex(isQuery)
  if (firstQuery >= 0 && !parts.slice(firstQuery).every(isQuery))
    throw new TypeError(`URI template "${template}" has something behind its query`)
  if (firstQuery >= 0 && parts.some((part) => 'literal' in part && part.literal.includes('?')))
    throw new TypeError(`URI template "${template}" has a fixed query beside a variable one`)
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1]
    if ('literal' in part || next === undefined || 'literal' in next) continue
    if (leading(next.operator) !== '') continue
    throw new TypeError(`URI template "${template}" has two values with nothing between them`)
  }
}

/** What stands before an expression's first value, and between its values. */
function leading(operator: string): string {
  return operator === '' || operator === '+' ? '' : operator
}

function between(operator: string): string {
  return operator === '' || operator === '+' || operator === '#' ? ',' : operator
}

function stepsOf(parts: readonly Part[]): Step[] {
  const steps: Step[] = []
  const addText = (text: string): void => {
    const last = steps.at(-1)
    if (typeof last === 'string') steps[steps.length - 1] = last + text
    else if (text !== '') steps.push(text)
  }
  for (const part of parts) {
    if ('literal' in part) addText(part.literal)
    else
      for (const [index, variable] of part.variables.entries()) {
        addText(index === 0 ? leading(part.operator) : between(part.operator))
        if (part.operator === ';') addText(`${variable.name}=`)
        steps.push(variable)
      }
  }
  return steps
}

function matchPath(
  steps: readonly Step[],
  path: string,
  values: TemplateValues,
  takesUnsafe: boolean,
): boolean {
  let at = 0
  for (const [index, step] of steps.entries()) {
    if (typeof step === 'string') {
      if (!path.startsWith(step, at)) return false
      at += step.length
      continue
    }
    const next = steps[index + 1] as string | undefined
    const end = endOfValue(path, at, next, index + 2 === steps.length)
    if (end <= at || !readValue(step, path.slice(at, end), values, takesUnsafe)) return false
    at = end
  }
  return at === path.length
}

/** A value goes on to the text behind it: the last such text if nothing follows that, else the first. */
function endOfValue(path: string, at: number, next: string | undefined, nextIsLast: boolean): number {
  if (next === undefined) return path.length
  if (nextIsLast) return path.endsWith(next) ? path.length - next.length : -1
  return path.indexOf(next, at + 1)
}

function readValue(variable: Variable, text: string, values: TemplateValues, takesUnsafe: boolean): boolean {
  if (!variable.multiSegment && /[/?#]/.test(text)) return false
  const value = decode(text)
  if (value === undefined || (!takesUnsafe && isUnsafe(value, variable.multiSegment))) return false
  values[variable.name] = value
  return true
}

/** Whether a value, as a path, would lead somewhere else than down: up, to the root, or past a check that does not know it for a path. */
function isUnsafe(value: string, multiSegment: boolean): boolean {
  if (isUpwards(value)) return true
  return multiSegment ? /^[/\\]|^[A-Za-z]:[/\\]/.test(value) : /[/\\]/.test(value)
}

function isUpwards(value: string): boolean {
  return value.includes('\0') || /(^|[/\\])\.\.([/\\]|$)/.test(value)
}

function matchQuery(
  names: ReadonlySet<string>,
  query: string,
  values: TemplateValues,
  takesUnsafe: boolean,
): boolean {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (name === undefined) return false
    if (!names.has(name) || name in values) continue
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', ' '))
    if (value === undefined || (!takesUnsafe && isUpwards(value))) return false
    values[name] = value
  }
  return true
}

function decode(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
