import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeError, encodeResponse, parseJson, readMessage } from '../../src/protocol/json-rpc.js'
import { ProtocolError } from 'fastmesh'

describe('reading JSON', () => {
  const nested = (depth: number, pad = '') => `${'['.repeat(depth)}${pad}${']'.repeat(depth)}`

  test('is bounded in depth, not in brackets', () => {
    const text = JSON.stringify({ text: '[{'.repeat(1000), quote: '"\\"[[[' })
    expect(parseJson(text)).toEqual(JSON.parse(text))
    const wide = JSON.stringify(Array.from({ length: 1000 }, () => [{}]))
    expect(parseJson(wide)).toHaveLength(1000)
    expect(parseJson(nested(200, `"${'x'.repeat(500)}"`))).toBeDefined()
    expect(() => parseJson(nested(201, `"${'x'.repeat(500)}"`))).toThrow(/deeper than 200/)
    expect(() => parseJson('{"a":'.repeat(100_000))).toThrow(ProtocolError)
  })

  test('gives what JSON.parse gives, or an error of the protocol', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        let expected: unknown
        try {
          expected = JSON.parse(text)
        } catch {
          expect(() => parseJson(text)).toThrow(ProtocolError)
          return
        }
        expect(parseJson(text)).toEqual(expected)
      }),
    )
  })
})

test('any value is told to be one of the four kinds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(['request', 'notification', 'response', 'invalid']).toContain(readMessage(value).kind)
    }),
  )
})

test('answers are JSON whatever they carry', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer()), fc.jsonValue(), (id, value) => {
      const plain: unknown = JSON.parse(JSON.stringify({ value }))
      expect(JSON.parse(encodeResponse(id, JSON.stringify(plain)))).toEqual({
        jsonrpc: '2.0',
        id,
        result: plain,
      })
      const error = new ProtocolError(-32600, String(id), plain)
      expect(JSON.parse(encodeError(id, error))).toEqual({
        jsonrpc: '2.0',
        id,
        error: { code: -32600, message: String(id), data: plain },
      })
    }),
  )
})
