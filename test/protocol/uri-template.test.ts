import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseTemplate } from 'url-template'
import { UriTemplate } from '../../src/protocol/uri-template.js'

const match = (template: string, uri: string) => {
  const values = new UriTemplate(template).match(uri)
  return values === undefined ? undefined : { ...values }
}

test.each([
  ['data://{id}', 'data://1', { id: '1' }],
  ['data://{id}', 'data://', undefined],
  ['data://{id}', 'data://a/b', undefined],
  ['data://{id}', 'data://a?b', undefined],
  ['data://{id}', 'other://1', undefined],
  ['data://{a}/{b}', 'data://x/y', { a: 'x', b: 'y' }],
  ['data://{a}-{b}', 'data://x-y-z', { a: 'x', b: 'y-z' }],
  ['files://{name}.json', 'files://a.json.json', { name: 'a.json' }],
  ['files://{path*}', 'files://a/b/c', { path: 'a/b/c' }],
  ['files://{path*}/edit', 'files://a/edit/b/edit', { path: 'a/edit/b' }],
  ['files://{+path}/{name}', 'files://a/b', { path: 'a', name: 'b' }],
  ['x://a{/b,c}', 'x://a/1/2', { b: '1', c: '2' }],
  ['x://a{.ext}', 'x://a.txt', { ext: 'txt' }],
  ['x://a{;p,q}', 'x://a;p=1;q=2', { p: '1', q: '2' }],
  ['x://a{#f}', 'x://a#s/t', { f: 's/t' }],
  ['x://{a,b}', 'x://1,2', { a: '1', b: '2' }],
  ['x://{a:3}', 'x://abc', { a: 'abc' }],
  ['x://a{?q,r}', 'x://a', {}],
  ['x://a{?q,r}', 'x://a?r=2&q=1', { q: '1', r: '2' }],
  ['x://a{?q}', 'x://a?other=1&q=x+y%2B', { q: 'x y+' }],
  ['x://a{?q}', 'x://a?q=1&q=2', { q: '1' }],
  ['x://a{?q}', 'x://a?q', { q: '' }],
  ['x://a{?q}{&r}', 'x://a?q=1&r=2', { q: '1', r: '2' }],
  ['x://a{?q}', 'x://a?q=%E0%A4%A', undefined],
  ['x://{id}', 'x://..%2F..%2Fetc', undefined],
  ['x://{id}', 'x://a%5Cb', undefined],
  ['x://{id}', 'x://a%00', undefined],
  ['x://{id*}', 'x://a%2Fb', { id: 'a/b' }],
  ['x://{id}', 'x://%', undefined],
  ['x://{id}', 'x://%ff', undefined],
  ['x://{id}', 'x://caf%C3%A9', { id: 'café' }],
  ['x://{__proto__}', 'x://1', Object.fromEntries([['__proto__', '1']])],
  ['urn:isbn:{n}', 'urn:isbn:42', { n: '42' }],
  ['data://fixed', 'data://fixed', {}],
])('%s of %s', (template, uri, expected) => {
  const found = new UriTemplate(template).match(uri)
  const entries = (values: object | undefined) => values && Object.entries(values).sort()
  expect(entries(found)).toEqual(entries(expected))
})

test('finds again the values that an expansion was made of', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((it) => !/\0|(^|[/\\])\.\.([/\\]|$)/.test(it))
  const value = text.filter((it) => !/[/\\]/.test(it))
  fc.assert(
    fc.property(value, value, fc.option(text, { nil: undefined }), (a, b, q) => {
      const template = 'x://{a}/mid/{b}{?q}'
      const values = { a, b, ...(q === undefined ? {} : { q }) }
      expect(match(template, parseTemplate(template).expand(values))).toEqual(values)
    }),
  )
})

test('takes or refuses whatever it is given, and never fails', () => {
  const piece = fc.constantFrom(
    '{a}',
    '{b*}',
    '{+c}',
    '{/d}',
    '{?e,f}',
    '{.g}',
    '{;h}',
    '/',
    'x',
    '-',
    'data://',
    '{',
    '}',
    '%',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.string(), (pieces, uri) => {
      let template: UriTemplate
      try {
        template = new UriTemplate(pieces.join(''))
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return
      }
      template.match(uri)
    }),
    { numRuns: 2000 },
  )
})

test('does no more work than the URI is long', () => {
  const template = new UriTemplate('x://{a}-{b}-{c}-{d}/end')
  // Going back would take hours for these.
  for (const uri of [
    `x://${'-'.repeat(100_000)}`,
    `x://${'a-'.repeat(100_000)}/en`,
    `x://${'%20'.repeat(50_000)}-/end`,
  ])
    expect(template.match(uri)).toBeUndefined()
})
