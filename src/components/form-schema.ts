import { isObject } from '../protocol/json-rpc.js'
import type { JsonObject, JsonSchema } from '../protocol/types.js'
import { compileSchema, type Validation } from './schema.js'
import { isStandardSchema, type Schema } from './standard-schema.js'

/** The fields of a form, described for clients and able to check what was filled in. */
export interface FormSchema {
  readonly json: JsonSchema
  check(content: unknown): Validation | Promise<Validation>
}

/** What clients can show: see `PrimitiveSchemaDefinition` (client/elicitation, Requested Schema). */
const SHOWN = new Set(['string', 'number', 'integer', 'boolean'])

/**
 * Make a user's schema that of a form.
 * @throws TypeError where it is no object, or a field of it is more than a text, number, boolean or choice.
 */
export function formSchemaOf(schema: Schema): FormSchema {
  const compiled = compileSchema(schema, 'input')
  const { type, properties = {}, required } = compiled.json
  if (type !== 'object' || !isObject(properties))
    throw new TypeError('The schema of a form must be an object')
  for (const [name, field] of Object.entries(properties)) refuseNested(name, field)
  const isPlain = !isStandardSchema(schema)
  return {
    json: { type, properties, ...(required === undefined ? {} : { required }) },
    check: (content) => compiled.validate(isPlain ? withDefaults(properties, content) : content),
  }
}

function refuseNested(name: string, field: unknown): void {
  if (isObject(field) && (SHOWN.has(String(field['type'])) || isMultipleChoice(field))) return
  throw new TypeError(
    `Field "${name}" of a form must be a text, a number, a boolean or a choice: clients can show no more`,
  )
}

/** From 2025-11-25 on. */
function isMultipleChoice({ type, items }: JsonObject): boolean {
  return type === 'array' && isObject(items) && ('enum' in items || 'anyOf' in items || 'oneOf' in items)
}

/** JSON Schema only says what a default is; other schemas fill it in themselves. */
function withDefaults(properties: JsonObject, content: unknown): unknown {
  if (!isObject(content)) return content
  const missing = Object.entries(properties).filter(
    ([name, field]) => isObject(field) && 'default' in field && !Object.hasOwn(content, name),
  )
  if (missing.length === 0) return content
  return {
    ...content,
    ...Object.fromEntries(missing.map(([name, field]) => [name, (field as JsonObject)['default']])),
  }
}
