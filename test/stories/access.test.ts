/** What somebody may not use is not there for him, whichever way it comes. */
import { Client, FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { connected } from '../support/own-client.js'
import { recordingLogger } from '../support/recording.js'
import { keyed, post, secured, withComponents, type User } from '../support/secured.js'

const ERAS = ['2025-11-25', '2026-07-28'] as const

describe.each(ERAS)('for a client of %s', (era) => {
  test('who shows a key is known to every handler', async () => {
    const { server, seen } = secured()
    const client = await connected(await serve(withComponents(server)), { era, ...keyed('ann') })
    expect((await client.callTool('who')).data).toBe('Hello, ann')
    expect((await client.readResource('note://open')).contents).toMatchObject([{ text: 'ann' }])
    expect((await client.readResource('files://x')).contents).toMatchObject([{ text: 'x for ann' }])
    expect(seen[0]).toMatchObject({ transport: 'httpStream', method: 'POST', url: '/mcp' })
    expect(seen[0]?.headers.get('X-API-Key')).toBe('ann')
    expect(seen[0]?.headers.get('x-other')).toBe(null)
  })

  test('who shows none is refused with what was thrown', async () => {
    const { server } = secured()
    const url = await serve(withComponents(server))
    await expect(Client.connect(url, { era })).rejects.toMatchObject({ name: 'UnauthorizedError' })
    const response = await post(url)
    expect([response.status, response.headers.get('x-why'), await response.text()]).toEqual([
      401,
      'no key',
      '{"no":"key"}',
    ])
  })

  test('what somebody may not use is neither shown nor found', async () => {
    const { server } = secured()
    const url = await serve(withComponents(server))
    const [ann, bob] = [
      await connected(url, { era, ...keyed('ann') }),
      await connected(url, { era, ...keyed('bob') }),
    ]
    const names = async (client: Client) => [
      (await client.listTools()).map(({ name }) => name),
      (await client.listResources()).map(({ uri }) => uri),
      (await client.listResourceTemplates()).map(({ name }) => name),
      (await client.listPrompts()).map(({ name }) => name),
    ]
    const all = [['who', 'secret', 'asks'], ['note://open', 'note://secret'], ['files'], ['secret']]
    expect(await names(ann)).toEqual(all)
    expect(await names(bob)).toEqual([['who', 'asks'], ['note://open'], [], []])
    // Not because somebody asked before.
    expect(await names(ann)).toEqual(all)

    expect((await ann.callTool('asks', { tool: 'secret' })).data).toBe('the secret')
    await expect(bob.callTool('secret')).rejects.toThrow('Unknown tool: secret')
    await expect(bob.callTool('asks', { tool: 'secret' })).rejects.toThrow('Unknown tool: secret')
    await expect(bob.readResource('note://secret')).rejects.toThrow('Resource not found')
    await expect(bob.readResource('files://x')).rejects.toThrow('Resource not found')
    await expect(bob.getPrompt('secret')).rejects.toThrow('Unknown prompt: secret')
    const refs = [
      { type: 'ref/prompt', name: 'secret' },
      { type: 'ref/resource', uri: 'files://{name}' },
    ] as const
    for (const ref of refs) {
      const argument = { name: ref.type === 'ref/prompt' ? 'what' : 'name', value: '' }
      expect((await ann.complete({ ref, argument })).values).not.toEqual([])
      await expect(bob.complete({ ref, argument })).rejects.toThrow('Unknown')
    }
  })

  test('the same through imports, mounts, mounts of their own, and a proxy', async () => {
    const inner = withComponents(secured().server)
    const { server } = secured()
    server.mount('live', inner).mount('apart', inner, { asProxy: true })
    await server.importServer('copy', inner)
    const proxied = FastMCP.asProxy(await serve(withComponents(secured().server)), {
      logger: recordingLogger().logger,
      headers: ({ session }) => ({ 'x-api-key': (session as User).id }),
    })
    server.mount('far', proxied)
    const url = await serve(server)
    for (const [key, sees] of [
      ['ann', true],
      ['bob', false],
    ] as const) {
      const client = await connected(url, { era, ...keyed(key) })
      const names = new Set((await client.listTools()).map(({ name }) => name))
      for (const prefix of ['live', 'apart', 'copy', 'far']) {
        expect(names.has(`${prefix}_who`), `${prefix}_who for ${key}`).toBe(true)
        expect(names.has(`${prefix}_secret`), `${prefix}_secret for ${key}`).toBe(sees)
        expect((await client.callTool(`${prefix}_who`)).data, prefix).toBe(`Hello, ${key}`)
        const secret = client.callTool(`${prefix}_secret`)
        if (sees) expect((await secret).data).toBe('the secret')
        else await expect(secret, prefix).rejects.toThrow('Unknown tool')
        const uri = `note://${prefix}/secret`
        if (sees) expect((await client.readResource(uri)).contents).toMatchObject([{ text: 'secret' }])
        else await expect(client.readResource(uri), prefix).rejects.toThrow('Resource not found')
      }
    }
  })

  test('nobody hears of a resource that is not for him', async () => {
    const { server } = secured()
    const url = await serve(withComponents(server))
    const heard: string[] = []
    for (const key of ['ann', 'bob'])
      for (const uri of ['note://secret', 'note://open']) {
        const client = await connected(url, { era, ...keyed(key) })
        await client.subscribe(uri, () => heard.push(`${key} ${uri}`))
      }
    server.notifyResourceUpdated('note://secret')
    await expect.poll(() => heard).toEqual(['ann note://secret'])
    server.notifyResourceUpdated('note://open')
    await expect.poll(() => heard.length).toBe(3)
    expect(heard.slice(1).sort()).toEqual(['ann note://open', 'bob note://open'])
  })

  test('a key that is taken back stops at once, and its streams end', async () => {
    const { server, users } = secured()
    const client = await connected(await serve(withComponents(server)), { era, ...keyed('ann') })
    await client.subscribe('note://open', () => undefined)
    await client.callTool('who')
    expect(server.status().requests + server.sessions.length).toBeGreaterThan(0)
    users.delete('ann')
    await expect(client.callTool('who')).rejects.toMatchObject({ name: 'UnauthorizedError' })
    await expect.poll(() => server.status().requests).toBe(0)
  })

  test('many at once are kept apart', async () => {
    const { server } = secured()
    server.addTool({
      name: 'slow',
      execute: async (_args, context) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
        return context.session.id
      },
    })
    const url = await serve(server)
    const calls = ['ann', 'bob', 'ann', 'bob'].map(async (key) => {
      const client = await connected(url, { era, ...keyed(key) })
      const answers = await Promise.all(Array.from({ length: 20 }, () => client.callTool('slow')))
      return [key, ...new Set(answers.map(({ data }) => data))]
    })
    for (const [key, ...others] of await Promise.all(calls)) expect(others).toEqual([key])
  })
})
