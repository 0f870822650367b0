/** Responses that are compressed: decoded within limits, and judged before their connection is used again. */
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib'
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { ERA_PAIRS, hostileUpstream, toolResult, withLength } from '../support/hostile-upstream.js'
import { WAYS } from '../support/http-ways.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'

const ENCODERS = {
  gzip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
  'deflate, gzip': (body: string) => gzipSync(deflateSync(body)),
}

function encoded(encoding: keyof typeof ENCODERS, body: string): Buffer[] {
  const bytes = ENCODERS[encoding](body)
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`
  return [Buffer.from(head), bytes.subarray(0, 9), bytes.subarray(9)]
}

describe.each(Object.entries(WAYS))('compressed responses through %s', (_way, options) => {
  test.each(Object.keys(ENCODERS) as (keyof typeof ENCODERS)[])('› %s is decoded', async (encoding) => {
    const asked: string[] = []
    const upstream = await hostileUpstream('2025-11-25', ({ response }, { head }) => {
      asked.push(/accept-encoding: (.*)/i.exec(head)?.[1]?.trim() ?? '')
      return encoded(encoding, response)
    })
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    for (const tag of ['one', 'two', 'ü'.repeat(100_000)])
      expect((await client.callTool('echo', { tag })).data).toBe(tag)
    for (const accepted of asked) expect(accepted).toMatch(/gzip.*br|gzip.*deflate/)
  })

  test('› an event stream is decoded event by event', async () => {
    const gate: { open: () => void } = { open: () => undefined }
    const upstream = await hostileUpstream('2025-11-25', ({ id, response }, { socket, body }) => {
      const gzip = createGzip()
      gzip.on('data', (chunk: Buffer) => {
        socket.write(`${chunk.length.toString(16)}\r\n`)
        socket.write(chunk)
        socket.write('\r\n')
      })
      gzip.on('end', () => socket.write('0\r\n\r\n'))
      const { progressToken } = (JSON.parse(body) as { params: { _meta: { progressToken: number } } }).params
        ._meta
      const progress = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress: 1 },
      }
      gzip.write(`data: ${JSON.stringify(progress)}\n\n`)
      gzip.flush()
      gate.open = () => gzip.end(`data: ${response}\n\n`)
      expect(id).toBeGreaterThan(0)
      return [
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n',
      ]
    })
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    const seen: number[] = []
    const call = client.callTool('echo', { tag: 'a' }, { onProgress: ({ progress }) => seen.push(progress) })
    await expect.poll(() => seen).toEqual([1])
    gate.open()
    expect((await call).data).toBe('a')
  })

  test('› a bomb costs one call, and no more than maxMessageBytes', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000, ' '))
    const upstream = await hostileUpstream('2025-11-25', ({ tag, response }) =>
      tag === 'bomb'
        ? [
            `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
            bomb,
          ]
        : [withLength(response)],
    )
    const target = { url: upstream.url, maxMessageBytes: 1_000_000, ...options() }
    const client = await connected(target, { era: '2025-11-25' })
    const others = Array.from({ length: 5 }, () => client.callTool('echo', { tag: 'fine' }))
    await expect(client.callTool('echo', { tag: 'bomb' })).rejects.toThrow('longer than 1000000 bytes')
    for (const other of await Promise.all(others)) expect(other.data).toBe('fine')
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› what is cut off, broken, or of an unknown encoding fails the call alone', async () => {
    const whole = gzipSync(toolResult(1, 'x'))
    const head = (encoding: string, length: number): string =>
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${length}\r\n\r\n`
    const answers: Record<string, (string | Buffer)[]> = {
      cut: [head('gzip', 20), whole.subarray(0, 20)],
      broken: [head('gzip', 20), Buffer.alloc(20, 7)],
      unknown: [head('compress-er', 2), '{}'],
      tooMany: [head('gzip, gzip, gzip, gzip, gzip, gzip, gzip', 2), '{}'],
    }
    const upstream = await hostileUpstream(
      '2025-11-25',
      ({ tag, response }) => answers[tag] ?? [withLength(response)],
    )
    const client = await connected({ url: upstream.url, ...options() }, { era: '2025-11-25' })
    for (const tag of Object.keys(answers))
      await expect(client.callTool('echo', { tag }), tag).rejects.toMatchObject({ name: 'ConnectionError' })
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })
})

describe('compressed responses that end their connection', () => {
  const head = (type: string): string =>
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n`
  const json = (body: string): Buffer => gzipSync(body)

  test.each<[string, (id: number) => readonly (string | Buffer)[]]>([
    ['a broken body', () => [head('application/json'), Buffer.alloc(50, 7), 'end']],
    ['a foreign id', (id) => [head('application/json'), json(toolResult(id + 1, 'foreign')), 'end']],
    ['half a body', (id) => [head('application/json'), json(toolResult(id, 'x')).subarray(0, 30), 'end']],
    [
      'half a body and a reset',
      (id) => [head('application/json'), json(toolResult(id, 'x')).subarray(0, 30), 'reset'],
    ],
    ['a broken stream', () => [head('text/event-stream'), Buffer.alloc(50, 7), 'end']],
    [
      'a foreign id in a stream',
      (id) => [head('text/event-stream'), json(`data: ${toolResult(id + 1, 'x')}\n\n`), 'end'],
    ],
    ['no JSON in a stream', () => [head('text/event-stream'), json('data: {\n\n'), 'reset']],
    [
      'half a stream and a reset',
      (id) => [head('text/event-stream'), json(`data: ${toolResult(id, 'x')}\n\n`).subarray(0, 30), 'reset'],
    ],
    [
      'too long a stream',
      () => [head('text/event-stream'), gzipSync(Buffer.alloc(30_000_000, 'x')), 'reset'],
    ],
  ])('› with %s fail the call alone', async (_name, answer) => {
    const upstream = await hostileUpstream('2025-11-25', ({ id, tag, response }) =>
      tag === 'bad' ? answer(id) : [withLength(response)],
    )
    const target = { url: upstream.url, maxMessageBytes: 1_000_000 }
    const client = await connected(target, { era: '2025-11-25' })
    const calls = Array.from({ length: 5 }, () =>
      client.callTool('echo', { tag: 'bad' }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ name: /Error$/ })
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› that are cancelled while they arrive end nothing else', async () => {
    const body = gzipSync(toolResult(1, 'x'.repeat(10_000)))
    let hasBegun = false
    const upstream = await hostileUpstream('2025-11-25', ({ tag, response }) => {
      if (tag !== 'slow') return [withLength(response)]
      hasBegun = true
      return [head('text/event-stream'), body.subarray(0, 40)]
    })
    const client = await connected(upstream.url, { era: '2025-11-25' })
    const controller = new AbortController()
    const call = client.callTool('echo', { tag: 'slow' }, { signal: controller.signal })
    await expect.poll(() => hasBegun).toBe(true)
    controller.abort(new Error('not wanted'))
    await expect(call).rejects.toThrow('not wanted')
    expect((await client.callTool('echo', { tag: 'next' })).data).toBe('next')
  })

  test('› of a stream that is whole give the result', async () => {
    const upstream = await hostileUpstream('2025-11-25', ({ response }) => [
      head('text/event-stream'),
      json(`data: ${response}\n\n`),
      'end',
    ])
    const client = await connected(upstream.url, { era: '2025-11-25' })
    for (const tag of ['a', 'b']) expect((await client.callTool('echo', { tag })).data).toBe(tag)
  })
})

test.each(ERA_PAIRS)(
  'a compressed response with a foreign id, $front → $behind › ends its connection',
  async (eras) => {
    let isForeign = false
    const spoiled = new Set<object>()
    const upstream = await hostileUpstream(eras.behind, ({ id, response }, { socket }) => {
      expect(spoiled.has(socket)).toBe(false)
      if (isForeign) spoiled.add(socket)
      return encoded('gzip', isForeign ? toolResult(id + 1, 'foreign') : response)
    })
    const proxy = FastMCP.asProxy(upstream.url, {
      name: 'proxy',
      era: eras.behind,
      logger: recordingLogger().logger,
    })
    const client = await connected(await serve(proxy), { era: eras.front })
    isForeign = true
    expect(await client.callTool('echo', { tag: 'a' }, { throwOnError: false })).toMatchObject({
      isError: true,
    })
    isForeign = false
    for (let call = 0; call < 3; call++) expect((await client.callTool('echo', { tag: 'b' })).data).toBe('b')
  },
)
