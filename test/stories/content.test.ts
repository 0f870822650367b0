import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { audio, image } from 'fastmesh'
import { PIXEL, SILENCE } from '../conformance/fixtures.js'
import { onCleanup } from '../support/clients.js'

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const MP3 = Buffer.concat([
  Buffer.from('ID3\x03\0\0\0\0\0\0', 'latin1'),
  Buffer.from([0xff, 0xfb, 0x90, 0x00]),
  Buffer.alloc(413),
])

async function file(name: string, bytes: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fastmesh-'))
  onCleanup(() => rm(folder, { recursive: true }))
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

async function served(bytes: Buffer, headers: Record<string, string>, status = 200): Promise<URL> {
  const server = createServer((_request, response) => response.writeHead(status, headers).end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file.png?x=1`)
}

describe('the type of a picture or sound', () => {
  test('is found in its bytes', async () => {
    expect(await image({ buffer: PIXEL })).toEqual({
      type: 'image',
      mimeType: 'image/png',
      data: PIXEL.toString('base64'),
    })
    expect(await image({ buffer: new Uint8Array(GIF).buffer })).toMatchObject({ mimeType: 'image/gif' })
    expect(await audio({ buffer: SILENCE })).toMatchObject({ type: 'audio', mimeType: 'audio/wav' })
    expect(await audio({ buffer: MP3 })).toMatchObject({ mimeType: 'audio/mpeg' })
  })

  test('is found in a file, whatever it is called', async () => {
    expect(await image({ path: await file('misnamed.jpg', PIXEL) })).toMatchObject({ mimeType: 'image/png' })
    expect(await image({ path: await file('drawing.svg', SVG) })).toMatchObject({
      mimeType: 'image/svg+xml',
      data: SVG.toString('base64'),
    })
  })

  test('is found in what a server sends, and says', async () => {
    expect(await image({ url: await served(PIXEL, { 'content-type': 'text/html' }) })).toMatchObject({
      mimeType: 'image/png',
    })
    const svg = await served(SVG, { 'content-type': 'image/svg+xml; charset=utf-8' })
    expect(await image({ url: svg.href })).toMatchObject({ mimeType: 'image/svg+xml' })
    expect(await image({ url: await served(Buffer.from('?'), {}) })).toMatchObject({ mimeType: 'image/png' })
  })

  test('is what it is said to be', async () => {
    expect(await image({ buffer: SVG, mimeType: 'image/x-own' })).toMatchObject({ mimeType: 'image/x-own' })
  })

  test('that cannot be found is an error that says what to do', async () => {
    await expect(image({ buffer: Buffer.from('no picture') })).rejects.toThrow(/give its mimeType/)
    await expect(image({ buffer: SILENCE })).rejects.toThrow(/looks like audio\/wav/)
    await expect(audio({ buffer: PIXEL })).rejects.toThrow(/looks like image\/png/)
  })
})

test('what cannot be read is an error', async () => {
  await expect(image({ path: '/nowhere/at/all.png' })).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(image({ url: await served(Buffer.from('gone'), {}, 404) })).rejects.toThrow(/HTTP 404/)
  const gone = AbortSignal.abort()
  await expect(image({ url: await served(PIXEL, {}), signal: gone })).rejects.toMatchObject({
    name: 'AbortError',
  })
  await expect(image({ url: await served(Buffer.alloc(33 * 1024 * 1024), {}) })).rejects.toThrow(
    /larger than/,
  )
})
