import { ErrorCode, RejectedError } from '../errors.js'
import type { Era } from './era.js'
import { EncodedResult } from './json-rpc.js'
import type { ContentBlock, JsonSchema, ResourceLink } from './types.js'

const METHODS = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
])

/** 2024-11-05 to 2025-11-25: a conversation that `initialize` opens. */
export const era2025: Era = {
  name: '2025-11-25',
  methods: METHODS,
  hasOwnNotifications: true,

  toolDefinition(definition) {
    const { outputSchema } = definition
    if (outputSchema === undefined || hasObjectRoot(outputSchema)) return definition
    return { ...definition, outputSchema: wrapped(outputSchema) }
  },

  toolResult(result, definition, revision) {
    let shown = result
    const value = result.structuredContent
    // These clients hold even an error's data against the output schema.
    if (value !== undefined && result.isError === true && definition.outputSchema !== undefined) {
      const { structuredContent: extras, ...rest } = shown
      shown = { ...rest, _meta: { ...rest._meta, 'fastmesh/extras': extras } }
    } else if (value !== undefined && (!isPlainObject(value) || isWrapped(definition.outputSchema)))
      shown = { ...shown, structuredContent: { result: value } }
    if (shown.content.every((block) => isKnownTo(revision, block))) return shown
    return { ...shown, content: shown.content.map((block) => contentFor(revision, block)) }
  },

  checkMirroredHeaders() {
    // Headers that repeat arguments came with 2026-07-28.
  },

  promptResult(result, revision) {
    if (result.messages.every(({ content }) => isKnownTo(revision, content))) return result
    const messages = result.messages.map(({ role, content }) => ({
      role,
      content: contentFor(revision, content),
    }))
    return { ...result, messages }
  },

  encodeResult(_method, result) {
    return result instanceof EncodedResult ? result.json : JSON.stringify(result)
  },

  error(error) {
    return error
  },

  httpStatus(error) {
    // An error of a handler is an answer, whatever its code.
    const isRefused = error instanceof RejectedError && error.code === ErrorCode.InvalidRequest
    return isRefused || error.code === ErrorCode.ParseError ? 400 : 200
  },
}

function hasObjectRoot(schema: JsonSchema): boolean {
  return schema['type'] === 'object'
}

function isWrapped(schema: JsonSchema | undefined): boolean {
  return schema !== undefined && !hasObjectRoot(schema)
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * These revisions know only objects as structured content, so any other value travels as
 * `{ result: value }`, and its schema beneath `properties.result`.
 */
function wrapped(schema: JsonSchema): JsonSchema {
  const { $schema, ...rest } = schema
  return {
    ...($schema === undefined ? {} : { $schema }),
    type: 'object',
    properties: { result: rest['$id'] === undefined ? moveReferences(rest) : rest },
    required: ['result'],
  }
}

const HOLDS_DATA = new Set(['const', 'enum', 'default', 'examples'])
const HOLDS_NAMED_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
])

/** Point references to the document's root at where that root has moved. */
function moveReferences(schema: unknown, namesSchemas = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => moveReferences(item))
  if (typeof schema !== 'object' || schema === null) return schema
  if (!namesSchemas && typeof (schema as JsonSchema)['$id'] === 'string') return schema
  const moved: JsonSchema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (namesSchemas) moved[keyword] = moveReferences(value)
    else if (HOLDS_DATA.has(keyword)) moved[keyword] = value
    else if ((keyword === '$ref' || keyword === '$dynamicRef') && typeof value === 'string')
      moved[keyword] =
        value === '#' || value.startsWith('#/') ? `#/properties/result${value.slice(1)}` : value
    else moved[keyword] = moveReferences(value, HOLDS_NAMED_SCHEMAS.has(keyword))
  }
  return moved
}

/** `resource_link` came with 2025-06-18, `audio` with 2025-03-26. */
function isKnownTo(revision: string, { type }: ContentBlock): boolean {
  if (type === 'audio') return revision >= '2025-03-26'
  return type !== 'resource_link' || revision >= '2025-06-18'
}

/** Say with an older revision's content blocks what only newer ones have a block for. */
function contentFor(revision: string, block: ContentBlock): ContentBlock {
  if (isKnownTo(revision, block)) return block
  if (block.type === 'audio') {
    const { data, mimeType, annotations } = block
    return { type: 'resource', resource: { uri: `data:${mimeType},`, mimeType, blob: data }, annotations }
  }
  const { title, name, uri, description } = block as ResourceLink
  return { type: 'text', text: [`${title ?? name}: ${uri}`, description].filter(Boolean).join('\n') }
}
