import { Validator } from '@cfworker/json-schema'
import type { JsonSchema } from '../protocol/types.js'
import { findNodeModule } from '../runtime/node-modules.js'
import {
  isStandardSchema,
  type Schema,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './standard-schema.js'

/** A value that fits, as the schema turned it, or a sentence on what does not fit. */
export type Validation = { readonly value: unknown } | { readonly problem: string }

/** A user's schema, ready: described for clients, and able to check values. */
export interface CompiledSchema {
  readonly json: JsonSchema
  readonly validate: (value: unknown) => Validation | Promise<Validation>
}

/** The side of a schema that is described: what goes into it, or what comes out. */
export type SchemaSide = 'input' | 'output'

/**
 * Make a user's schema ready.
 * @throws TypeError where it is no schema, or cannot be described as JSON Schema.
 */
export function compileSchema(schema: Schema, side: SchemaSide): CompiledSchema {
  if (isStandardSchema(schema))
    return { json: describe(schema, side), validate: (value) => check(schema, value) }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new TypeError(
      'a schema must be a Standard Schema (zod, valibot, arktype, …) or a JSON Schema object',
    )
  return compileJsonSchema(schema)
}

function check(schema: StandardSchema, value: unknown): Validation | Promise<Validation> {
  const result = schema['~standard'].validate(value)
  return 'then' in result ? Promise.resolve(result).then(toValidation) : toValidation(result)
}

function toValidation(result: StandardResult<unknown>): Validation {
  return result.issues === undefined
    ? { value: result.value }
    : { problem: result.issues.map(sentenceOf).join('; ') }
}

function sentenceOf({ path = [], message }: StandardIssue): string {
  const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return where === '' || message.startsWith(where) ? message : `${where}: ${message}`
}

function compileJsonSchema(json: JsonSchema): CompiledSchema {
  const validator = new Validator(structuredClone(json), dialectOf(json), false)
  return {
    json,
    validate(value) {
      const { valid, errors } = validator.validate(value)
      if (valid) return { value }
      const sentences = errors
        .filter(({ keyword }) => !SAYS_NOTHING.has(keyword))
        .map(({ instanceLocation, error }) => `${pointerToPath(instanceLocation)}${error}`)
      return { problem: [...new Set(sentences)].join('; ') || 'does not match the schema' }
    },
  }
}

/** Keywords whose failure only repeats that something beneath them failed. */
const SAYS_NOTHING = new Set(['properties', 'items', 'allOf', '$ref', 'prefixItems', 'false'])

function pointerToPath(pointer: string): string {
  const path = pointer.replace(/^#\/?/, '').replaceAll('/', '.')
  return path === '' ? '' : `${path}: `
}

function dialectOf({ $schema }: { $schema?: unknown }): '2020-12' | '2019-09' | '7' | '4' {
  if ($schema === undefined) return '2020-12'
  const uri = typeof $schema === 'string' ? $schema : JSON.stringify($schema)
  if (uri.includes('2020-12')) return '2020-12'
  if (uri.includes('2019-09')) return '2019-09'
  if (uri.includes('draft-07') || uri.includes('draft-06')) return '7'
  if (uri.includes('draft-04')) return '4'
  throw new TypeError(`the JSON Schema dialect ${uri} is not supported`)
}

function describe(schema: StandardSchema, side: SchemaSide): JsonSchema {
  const { jsonSchema, vendor } = schema['~standard']
  if (jsonSchema !== undefined) return jsonSchema[side]({ target: 'draft-2020-12' })
  const described = CONVERTERS[vendor]?.(schema)
  if (described !== undefined) return described
  throw new TypeError(
    `a ${vendor} schema that cannot describe itself as JSON Schema: ${ADVICE[vendor] ?? 'its library must implement Standard JSON Schema (~standard.jsonSchema)'}`,
  )
}

const ADVICE: Record<string, string | undefined> = {
  zod: 'use zod 4.2 or newer, or install zod-to-json-schema for zod 3',
  valibot: 'install @valibot/to-json-schema, or wrap the schema with its toStandardJsonSchema()',
}

type Convert = (schema: StandardSchema) => JsonSchema | undefined

/** Schemas that need a package to be described, an optional peer of this one. */
const CONVERTERS: Record<string, Convert | undefined> = {
  valibot: (schema) => {
    const found = findPackage<{ toJsonSchema: (schema: StandardSchema, config: object) => JsonSchema }>(
      '@valibot/to-json-schema',
    )
    return found?.toJsonSchema(schema, { errorMode: 'ignore', target: 'draft-2020-12' })
  },
  zod: (schema) => {
    if ('_zod' in schema) return undefined
    const found = findPackage<{ zodToJsonSchema: (schema: StandardSchema) => JsonSchema }>(
      'zod-to-json-schema',
    )
    return found?.zodToJsonSchema(schema)
  },
}

function findPackage<T>(name: string): T | undefined {
  const module = findNodeModule('node:module')
  if (module === undefined) return undefined
  try {
    return module.createRequire(import.meta.url)(name) as T
  } catch {
    return undefined
  }
}
