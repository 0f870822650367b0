import { expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { Raw } from '../support/raw-http.js'
import { problemsOf } from '../support/wire-schemas.js'
import { checked } from './wire-check.js'

const result = (value: object) => ({ jsonrpc: '2.0', id: 1, result: value })

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'])(
  '%s has a schema that refuses what is wrong',
  (revision) => {
    const stamp = revision === '2026-07-28' ? { resultType: 'complete' } : {}
    const good = { content: [{ type: 'text', text: 'x' }], ...stamp }
    expect(problemsOf(result(good), revision, 'tools/call')).toEqual([])
    expect(problemsOf(result({ ...good, content: 'x' }), revision, 'tools/call')).not.toEqual([])
    expect(problemsOf(result({ ...good, content: [{ type: 'text' }] }), revision, 'tools/call')).not.toEqual(
      [],
    )
    expect(problemsOf({ jsonrpc: '1.0', id: 1, result: good }, revision, 'tools/call')).not.toEqual([])
    expect(
      problemsOf({ jsonrpc: '2.0', id: 1, error: { code: 'x', message: 5 } }, revision, undefined),
    ).not.toEqual([])
    const progress = (params: object) => ({ jsonrpc: '2.0', method: 'notifications/progress', params })
    expect(problemsOf(progress({ progressToken: 1, progress: 1 }), revision, undefined)).toEqual([])
    if (revision !== '2024-11-05')
      expect(problemsOf(progress({ progress: 'x' }), revision, undefined)).not.toEqual([])
  },
)

test('2026-07-28 wants what only it has', () => {
  expect(problemsOf(result({ tools: [] }), '2026-07-28', 'tools/list')).not.toEqual([])
  expect(
    problemsOf(
      result({ tools: [], resultType: 'complete', ttlMs: 0, cacheScope: 'private' }),
      '2026-07-28',
      'tools/list',
    ),
  ).toEqual([])
})

test('every message that leaves a server is looked at', async () => {
  const server = new FastMCP({ name: 'test', version: '1.0.0' }).addTool({ name: 'it', execute: () => '' })
  const before = checked.count
  await server.request('/mcp', Raw.init2026('tools/call', { name: 'it' }))
  expect(checked.count).toBe(before + 1)
})
