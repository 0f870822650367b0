/**
 * The protocol's own JSON Schemas, one for each revision, as the official conformance suite
 * carries them, and that of 2024-11-05 as the official SDK of that time does.
 */
import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import * as sdk2024 from 'mcp-sdk-2024-11-05/types.js'
import ts from 'typescript'

type Validate = (value: unknown) => string[]

interface Revision {
  readonly definition: (name: string) => Validate | undefined
  readonly requestNames: ReadonlyMap<string, string>
}

interface SchemaDocument {
  $defs?: Record<string, Definition>
  definitions?: Record<string, Definition>
}

interface Definition {
  properties?: { method?: { const?: string } }
}

const revisions = new Map<string, Revision>()

/** What is wrong with a message that we sent, by the schema of a revision; `method` is that of the request it answers. */
export function problemsOf(message: unknown, revision: string, method: string | undefined): string[] {
  if (revision === '2024-11-05') return problemsIn2024(message, method)
  if (Array.isArray(message)) return message.flatMap((part) => problemsOf(part, revision, method))
  const known = revisionOf(revision)
  const { method: sent, result, error } = message as Record<string, unknown>
  if (typeof sent === 'string') {
    const name = known.requestNames.get(sent) ?? 'JSONRPCNotification'
    return check(known, name, message)
  }
  if (error !== undefined) {
    const name = known.definition('JSONRPCErrorResponse') ? 'JSONRPCErrorResponse' : 'JSONRPCError'
    // Up to 2025-06-18 the schema has no error for a message whose id cannot be read.
    return check(
      known,
      name,
      'id' in (message as object) || name !== 'JSONRPCError' ? message : { ...(message as object), id: 0 },
    )
  }
  const envelope = known.definition('JSONRPCResultResponse') ? 'JSONRPCResultResponse' : 'JSONRPCResponse'
  const isQuestion = (result as { resultType?: unknown } | undefined)?.resultType === 'input_required'
  const answer =
    method === undefined ? undefined : known.requestNames.get(method)?.replace(/Request$/, 'Result')
  const name = isQuestion ? 'InputRequiredResult' : answer
  const body = name !== undefined && known.definition(name) !== undefined ? check(known, name, result) : []
  return [...check(known, envelope, message), ...body]
}

function check(revision: Revision, name: string, value: unknown): string[] {
  return (
    revision
      .definition(name)?.(value)
      .map((problem) => `${name}${problem}`) ?? [`no definition of ${name}`]
  )
}

function revisionOf(name: string): Revision {
  if (revisions.size === 0) for (const [key, document] of documents()) revisions.set(key, compile(document))
  const found = revisions.get(name)
  if (found === undefined) throw new Error(`There is no schema of ${name}`)
  return found
}

function compile(document: SchemaDocument): Revision {
  const is2020 = document.$defs !== undefined
  const ajv = new (is2020 ? Ajv2020 : Ajv)({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'mcp')
  const definitions = document.$defs ?? document.definitions ?? {}
  const requestNames = new Map<string, string>()
  for (const [name, { properties }] of Object.entries(definitions))
    if (properties?.method?.const !== undefined) requestNames.set(properties.method.const, name)
  return {
    requestNames,
    definition(name) {
      if (!(name in definitions)) return undefined
      const validate = ajv.getSchema(`mcp#/${is2020 ? '$defs' : 'definitions'}/${name}`)
      return (value) => {
        if (validate === undefined || validate(value) === true) return []
        return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`)
      }
    },
  }
}

/** Read the schemas out of the suite's bundle: object literals that a table lists by revision. */
function documents(): Map<string, SchemaDocument> {
  const path = new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url)
  const source = ts.createSourceFile('bundle.js', readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
  const literals = new Map<string, ts.ObjectLiteralExpression>()
  let table: ts.ObjectLiteralExpression | undefined
  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer &&
      ts.isObjectLiteralExpression(node.initializer)
    ) {
      literals.set(node.name.text, node.initializer)
      const names = node.initializer.properties.map((property) => property.name?.getText(source))
      if (names.includes('"2025-03-26"') && names.includes('"2025-11-25"') && table === undefined)
        table = node.initializer
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  if (table === undefined) throw new Error('The conformance suite carries its schemas in another way now')
  const found = new Map<string, SchemaDocument>()
  for (const property of table.properties) {
    if (!ts.isPropertyAssignment(property)) continue
    const literal = literals.get(property.initializer.getText(source))
    if (literal === undefined) continue
    const revision = ts.isComputedPropertyName(property.name)
      ? '2026-07-28'
      : property.name.getText(source).slice(1, -1)
    found.set(revision, runInNewContext(`(${literal.getText(source)})`) as SchemaDocument)
  }
  return found
}

function problemsIn2024(message: unknown, method: string | undefined): string[] {
  const messages = Array.isArray(message) ? message : [message]
  return messages.flatMap((each: { result?: unknown }) => {
    const envelope = sdk2024.JSONRPCMessageSchema.safeParse(each)
    const schema = method === undefined ? undefined : RESULTS_2024[method]
    const result = each.result === undefined ? undefined : schema?.safeParse(each.result)
    return [envelope, result].flatMap((checked) =>
      checked?.success === false ? [String(checked.error)] : [],
    )
  })
}

const RESULTS_2024: Record<string, { safeParse: (value: unknown) => { success: boolean; error?: Error } }> = {
  initialize: sdk2024.InitializeResultSchema,
  'tools/list': sdk2024.ListToolsResultSchema,
  'tools/call': sdk2024.CallToolResultSchema,
  'resources/list': sdk2024.ListResourcesResultSchema,
  'resources/templates/list': sdk2024.ListResourceTemplatesResultSchema,
  'resources/read': sdk2024.ReadResourceResultSchema,
  'prompts/list': sdk2024.ListPromptsResultSchema,
  'prompts/get': sdk2024.GetPromptResultSchema,
  'completion/complete': sdk2024.CompleteResultSchema,
}
