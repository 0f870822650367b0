/**
 * The Standard Schema and Standard JSON Schema interfaces (standardschema.dev), by which
 * schemas of zod, valibot, arktype and others are read without knowing the library.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>
}

interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1
  readonly vendor: string
  readonly validate: (
    value: unknown,
    options?: never,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
  /** There where the schema can describe itself: zod from 4.2, arktype, valibot through its adapter. */
  readonly jsonSchema?: {
    readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>
    readonly output: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>
  }
}

export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Any schema a user may give: one of a library, or plain JSON Schema. */
export type Schema = StandardSchema | { readonly [keyword: string]: unknown }

/** What a handler is given: the parsed value, or any object where the schema is plain JSON Schema. */
export type SchemaOutput<S, Plain = Record<string, unknown>> = S extends StandardSchema
  ? NonNullable<S['~standard']['types']>['output']
  : Plain

/** What a caller may send, or a handler may return to be parsed. */
export type SchemaInput<S, Plain = Record<string, unknown>> = S extends StandardSchema
  ? NonNullable<S['~standard']['types']>['input']
  : Plain

export function isStandardSchema(schema: unknown): schema is StandardSchema {
  if (schema === null || (typeof schema !== 'object' && typeof schema !== 'function')) return false
  const standard = (schema as { '~standard'?: Partial<StandardSchemaProps> })['~standard']
  return typeof standard?.validate === 'function'
}
