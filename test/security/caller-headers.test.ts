/** Headers that a proxy sends for one call never go out with another message. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { ERAS, hostileUpstream, messageOf, toolResult, withLength } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'
import type { RawRequest } from '../support/raw-upstream.js'
import { post, sessionOf } from '../support/secured.js'

const tenantOf = ({ head }: RawRequest): string => /\r\nx-tenant: (.*)/i.exec(head)?.[1]?.trim() ?? 'none'

const passTenant = ({
  headers,
}: {
  headers?: Readonly<Record<string, string>> | undefined
}): Record<string, string> => {
  const tenant = headers?.['x-tenant']
  return tenant === undefined ? {} : { 'x-tenant': tenant }
}

const call = (id: number, tag: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { tag } },
})

describe.each(ERAS)('calls of one session with different headers, to an upstream of %s', (behind) => {
  test('› that wait for their turn keep their own', async () => {
    const seen: [string, string][] = []
    let finish: () => void = () => undefined
    const upstream = await hostileUpstream(behind, ({ tag, response }, request) => {
      seen.push([tag, tenantOf(request)])
      if (tag !== 'first') return [withLength(response)]
      finish = () => void request.socket.write(withLength(response))
      return []
    })
    const proxy = FastMCP.asProxy(upstream.url, {
      name: 'proxy',
      era: behind,
      maxConcurrency: 1,
      headers: passTenant,
    })
    const url = await serve(proxy)
    const session = await sessionOf(url, {})
    const send = (id: number, tag: string, tenant?: string): Promise<Response> =>
      post(url, { ...session, ...(tenant !== undefined && { 'x-tenant': tenant }) }, call(id, tag))
    for (const [at, tenant] of ['one', undefined, 'bbb'].entries()) await send(10 + at, 'warm', tenant)
    seen.length = 0
    const pending = (): unknown => proxy.status().upstreams[0]?.pending
    const first = send(20, 'first', 'one')
    await expect.poll(() => seen.length).toBe(1)
    const a = send(21, 'a')
    await expect.poll(pending).toBe(2)
    const b = send(22, 'b', 'bbb')
    await expect.poll(pending).toBe(3)
    finish()
    for (const response of await Promise.all([first, a, b])) expect(response.status).toBe(200)
    expect(seen).toEqual([
      ['first', 'one'],
      ['a', 'none'],
      ['b', 'bbb'],
    ])
  })
})

test('the answer to an input request › has the headers of the call that asked', async () => {
  const seen: [string, string][] = []
  let answerCall: () => void = () => undefined
  const upstream = await hostileUpstream('2025-11-25', ({ id, tag, response }, { socket }) => {
    if (tag !== 'asks') return [withLength(response)]
    answerCall = () => void socket.end(`data: ${toolResult(id, 'asked')}\n\n`)
    const params = { message: 'Go on?', requestedSchema: { type: 'object', properties: {} } }
    const asked = JSON.stringify({ jsonrpc: '2.0', id: 99, method: 'elicitation/create', params })
    return [
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: ${asked}\n\n`,
    ]
  })
  const { script } = upstream
  upstream.script = (request) => {
    const message = messageOf(request)
    if (message?.id !== 99) return script(request)
    seen.push(['answer', tenantOf(request)])
    answerCall()
    return ['HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n']
  }
  const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: '2025-11-25', headers: passTenant })
  let tenant = 'open'
  const client = await connected(
    { url: await serve(proxy), headers: () => ({ 'x-tenant': tenant }) },
    {
      era: '2025-11-25',
      elicitation: () => {
        tenant = 'later'
        return { action: 'accept' }
      },
    },
  )
  tenant = 'warm'
  await client.callTool('echo', { tag: 'warm' })
  tenant = 'call'
  expect((await client.callTool('echo', { tag: 'asks' })).data).toBe('asked')
  expect(seen).toEqual([['answer', 'call']])
})

test('a cancellation › has the headers of the call that it cancels', async () => {
  const seen: [string, string][] = []
  const upstream = await hostileUpstream('2025-11-25', ({ tag, response }, request) => {
    seen.push([tag, tenantOf(request)])
    return tag === 'hangs' ? [] : [withLength(response)]
  })
  const { script } = upstream
  upstream.script = (request) => {
    if (request.body.includes('notifications/cancelled')) seen.push(['cancelled', tenantOf(request)])
    return script(request)
  }
  const proxy = FastMCP.asProxy(upstream.url, { name: 'proxy', era: '2025-11-25', headers: passTenant })
  let tenant = 'warm'
  const client = await connected(
    { url: await serve(proxy), headers: () => ({ 'x-tenant': tenant }) },
    { era: '2025-11-25' },
  )
  await client.callTool('echo', { tag: 'warm' })
  tenant = 'call'
  const controller = new AbortController()
  const cancelled = client.callTool('echo', { tag: 'hangs' }, { signal: controller.signal })
  await expect.poll(() => seen.length).toBe(2)
  tenant = 'later'
  expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  controller.abort(new Error('not wanted'))
  await expect(cancelled).rejects.toThrow('not wanted')
  await expect.poll(() => seen.length).toBeGreaterThanOrEqual(4)
  expect(seen.slice(0, 4)).toEqual([
    ['warm', 'warm'],
    ['hangs', 'call'],
    ['next', 'later'],
    ['cancelled', 'call'],
  ])
})
