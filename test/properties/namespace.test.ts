import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { UriTemplate } from '../../src/protocol/uri-template.js'
import { Namespace } from '../../src/providers/transforms/namespace.js'
import { Raw } from '../support/raw-http.js'

const characters = (allowed: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(allowed)), minLength, maxLength })
const LETTERS = 'abXY'
const SCHEME = `${LETTERS}09+-.`

const prefix = characters(`${LETTERS}09_-.`, 1, 8).filter((text) => text !== '.' && text !== '..')
const name = characters(`${LETTERS}09_-.`, 1, 12)
const scheme = fc
  .tuple(characters(LETTERS, 1, 1), characters(SCHEME, 0, 5))
  .map(([first, rest]) => first + rest)
const rest = characters(`${LETTERS}0/?#:&=+%_-.~@!$'()*,;[]`, 1, 20)
const uri = fc.tuple(scheme, fc.constantFrom('://', ':', ':/'), rest).map((parts) => parts.join(''))
/** Of those, the ones that every reader of URIs takes. */
const plainUri = fc
  .tuple(
    scheme,
    fc.constantFrom('://', ':'),
    characters(`${LETTERS}09_-.~=`, 1, 12),
    characters(`${LETTERS}/`, 0, 6),
  )
  .map(([start, colon, host, path]) => `${start}${colon}${host}/${path}`)
const values = characters(`${LETTERS}09`, 1, 4)
const template = fc.constantFrom(
  'users://{id}',
  'users://{id}/posts/{post}',
  'files://{path*}',
  'search://all{?q,limit}',
  'x://{a}-{b}{?q}',
  'urn:isbn:{n}',
  'db:{+rest}',
)

describe('under a prefix', () => {
  test('names and URIs can be told from one another, and read back', () => {
    fc.assert(
      fc.property(prefix, name, uri, (given, tool, resource) => {
        const space = new Namespace(given)
        expect(space.innerName(space.outerName(tool))).toBe(tool)
        expect(space.innerUri(space.outerUri(resource))).toBe(resource)
        expect(space.outerUri(resource)).toMatch(/^[A-Za-z][A-Za-z0-9+.-]*:/)
      }),
      { numRuns: 5000 },
    )
  })

  test('the same in whatever nest of prefixes', () => {
    fc.assert(
      fc.property(fc.array(prefix, { minLength: 1, maxLength: 5 }), name, uri, (prefixes, tool, resource) => {
        const spaces = prefixes.map((each) => new Namespace(each))
        const outerName = spaces.reduce((key, space) => space.outerName(key), tool)
        const outerUri = spaces.reduce((key, space) => space.outerUri(key), resource)
        const inward = spaces.toReversed()
        expect(
          inward.reduce<string | undefined>((key, space) => key && space.innerName(key), outerName),
        ).toBe(tool)
        expect(inward.reduce<string | undefined>((key, space) => key && space.innerUri(key), outerUri)).toBe(
          resource,
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('a template matches just the URIs that it matched, with the same values', () => {
    fc.assert(
      fc.property(prefix, template, uri, values, (given, text, any, value) => {
        const space = new Namespace(given)
        const outer = new UriTemplate(space.outerUri(text))
        const expanded = text
          .replace('{?q,limit}', `?q=${value}`)
          .replace('{?q}', `?q=${value}`)
          .replaceAll(/\{[^}]*\}/g, value)
        for (const candidate of [expanded, any])
          expect(outer.match(space.outerUri(candidate))).toEqual(new UriTemplate(text).match(candidate))
      }),
      { numRuns: 5000 },
    )
  })
})

test('what a child gives is read through any prefix, whatever it is called', async () => {
  await fc.assert(
    fc.asyncProperty(prefix, name, plainUri, template, async (given, tool, resource, text) => {
      const child = new FastMCP({ name: 'child', version: '1' })
        .addTool({ name: tool, execute: () => 'called' })
        .addResource({ uri: resource, name: 'r', load: () => 'read' })
        .addResourceTemplate({ uriTemplate: text, name: 't', load: (args) => args })
      const server = new FastMCP({ name: 'main', version: '1' }).mount(given, child)
      const ask = async (method: string, params: object = {}) => {
        const answer = await server.request('/mcp', Raw.init2026(method, { ...params }))
        return ((await answer.json()) as { result: Record<string, { name: string; uri: string }[]> }).result
      }
      const { tools } = await ask('tools/list')
      const { resources } = await ask('resources/list')
      const outerTool = tools![0]!.name
      const outerUri = resources![0]!.uri
      expect(await ask('tools/call', { name: outerTool })).toMatchObject({
        content: [{ text: 'called' }],
      })
      expect(await ask('resources/read', { uri: outerUri })).toMatchObject({
        contents: [{ uri: outerUri, text: 'read' }],
      })
      await server.stop()
    }),
    { numRuns: 100 },
  )
})
