/** Names, URIs and paths that strangers give: what could lead out of a folder, and what only looks dangerous. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FastMCP, safePath, UnsafePathError } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { onCleanup, serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const
const NAME = { name: 'test', version: '1.0.0' }

/** Values that, as a path, lead out of a folder (CVE-2026-32871; server/resources, Security Considerations). */
const UNSAFE = ['..', '%2e%2e', '..%2fetc', '%2Fetc', 'a%2Fb', 'a%5Cb', 'a%00', '..%5C', '%2e%2e%2f']
const UNSAFE_PATHS = [
  '../x',
  'a/../../x',
  'a/..',
  '%2e%2e/x',
  '/etc/passwd',
  '%2Fetc',
  'C:/x',
  'a%5C..%5Cx',
  'a%00b',
]

describe.each(ERAS)('template values in %s', (era) => {
  test('that would lead out of a folder are those of no resource, unless they may be', async () => {
    const server = new FastMCP(NAME)
      .addResourceTemplate({ uriTemplate: 'file://{name}', name: 'one', load: ({ name }) => name })
      .addResourceTemplate({ uriTemplate: 'tree://{path*}', name: 'tree', load: ({ path }) => path })
      .addResourceTemplate({
        uriTemplate: 'any://{name}',
        name: 'any',
        unsafeValues: true,
        load: ({ name }) => name,
      })
    for (const target of [server, FastMCP.asProxy(await serve(server), { name: 'proxy' })]) {
      const client = await connected(target, { era })
      for (const value of UNSAFE)
        await expect(client.readResource(`file://${value}`), value).rejects.toThrow('Resource not found')
      for (const path of UNSAFE_PATHS)
        await expect(client.readResource(`tree://${path}`), path).rejects.toThrow('Resource not found')
      for (const [uri, text] of [
        ['file://...', '...'],
        ['file://..a', '..a'],
        ['file://%252e%252e', '%2e%2e'],
        ['tree://a/b..c/..d/e', 'a/b..c/..d/e'],
        ['any://..', '..'],
        ['any://a%2Fb', 'a/b'],
      ] as const)
        expect((await client.readResource(uri)).contents, uri).toMatchObject([{ text }])
    }
  })

  test('that are long are answered as quickly as they are long', async () => {
    const client = await connected(
      new FastMCP(NAME).addResourceTemplate({ uriTemplate: 'a://{b,c,d}{/e,f}', name: 'a', load: () => '' }),
      { era },
    )
    await expect(client.readResource(`a://${','.repeat(60_000)}`)).rejects.toThrow('Resource not found')
    await expect(client.readResource(`a://${'x'.repeat(70_000)}`)).rejects.toThrow('longer than')
  })
})

const HOSTILE = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf']

describe.each(ERAS)('names of built-in members in %s (CWE-1321)', (era) => {
  test('are ordinary ones, and unknown where nothing bears them', async () => {
    const empty = await connected(new FastMCP(NAME), { era })
    const server = new FastMCP(NAME)
    for (const name of HOSTILE)
      server
        .addTool({ name, parameters: z.looseObject({}), execute: (args) => Object.keys(args).join() })
        .addPrompt({
          name,
          arguments: [{ name: '__proto__', complete: () => [name] }],
          load: (args) => Object.entries(args).join(),
        })
        .addResource({ uri: `a://${name}`, name, load: () => name })
        .addResourceTemplate({
          uriTemplate: `t://${name}/{${name}}`,
          name,
          load: (args) => Object.keys(args).join(),
        })
    const mounting = new FastMCP(NAME).mount('constructor', server)
    const proxy = FastMCP.asProxy(await serve(server), { name: 'proxy' })
    for (const [client, prefix, path] of [
      [await connected(server, { era }), '', ''],
      [await connected(mounting, { era }), 'constructor_', 'constructor/'],
      [await connected(proxy, { era }), '', ''],
    ] as const) {
      expect((await client.listTools()).map(({ name }) => name)).toEqual(HOSTILE.map((name) => prefix + name))
      for (const name of HOSTILE) {
        const args = JSON.parse(`{"__proto__": {"polluted": 1}, "constructor": 2}`) as Record<string, unknown>
        expect((await client.callTool(prefix + name, args)).data).toContain('constructor')
        const prompt = await client.getPrompt(
          prefix + name,
          JSON.parse('{"__proto__": "x"}') as Record<string, string>,
        )
        expect(prompt.messages).toMatchObject([{ content: { text: '__proto__,x' } }])
        expect((await client.readResource(`a://${path}${name}`)).contents).toMatchObject([{ text: name }])
        expect((await client.readResource(`t://${path}${name}/1`)).contents).toMatchObject([{ text: name }])
        const ref = { type: 'ref/prompt', name: prefix + name } as const
        expect((await client.complete({ ref, argument: { name: '__proto__', value: '' } })).values).toEqual([
          name,
        ])
      }
    }
    for (const name of HOSTILE) {
      await expect(empty.callTool(name)).rejects.toThrow(`Unknown tool: ${name}`)
      await expect(empty.getPrompt(name)).rejects.toThrow(`Unknown prompt: ${name}`)
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('safePath', () => {
  async function folder() {
    const base = await mkdtemp(join(tmpdir(), 'fastmesh-'))
    onCleanup(() => rm(base, { recursive: true }))
    const root = join(base, 'root')
    await mkdir(join(root, 'sub'), { recursive: true })
    await writeFile(join(root, 'sub', 'file.txt'), '')
    await writeFile(join(base, 'secret.txt'), '')
    await mkdir(join(base, 'root-beside'))
    await symlink(join(base, 'secret.txt'), join(root, 'link'))
    await symlink(base, join(root, 'up'))
    await symlink(join(base, 'nowhere'), join(root, 'dangling'))
    await symlink(join(root, 'sub'), join(root, 'within'))
    await symlink(root, join(base, 'linked-root'))
    return { base, root }
  }

  test('gives paths that stay inside, through links that do as well', async () => {
    const { base, root } = await folder()
    for (const path of [
      '',
      '.',
      'sub',
      'sub/file.txt',
      'sub/../sub/file.txt',
      'within/file.txt',
      'not/there/yet',
      '..dots',
    ])
      expect(await safePath(root, path), path).toBe(join(root, path))
    expect(await safePath(`${root}/`, 'sub')).toBe(join(root, 'sub'))
    expect(await safePath(join(base, 'linked-root'), 'sub')).toBe(join(base, 'linked-root', 'sub'))
  })

  test('refuses those that lead out', async () => {
    const { base, root } = await folder()
    for (const path of [
      '..',
      '../secret.txt',
      '../root-beside',
      'sub/../../secret.txt',
      'link',
      'up/secret.txt',
      'up/not-there',
      'dangling',
      'dangling/below',
      base,
      '/etc/passwd',
      'C:/x',
      '..\\secret.txt',
      'sub\0',
    ])
      await expect(safePath(root, path), path).rejects.toThrow(UnsafePathError)
    await expect(safePath(join(base, 'none'), 'x')).rejects.toThrow('ENOENT')
  })
})
