import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { WAYS, type OfficialClient } from '../support/clients.js'

const NAME = { name: 'test', version: '1.0.0' }
const execute = () => ''
const load = () => ''

const METHODS = {
  tools: 'notifications/tools/list_changed',
  resources: 'notifications/resources/list_changed',
  prompts: 'notifications/prompts/list_changed',
}

/** Hears what a client is told of, from now on. */
async function listening(client: OfficialClient, era: string) {
  const heard: string[] = []
  let wake: () => void = () => {}
  client.fallbackNotificationHandler = async ({ method }) => {
    heard.push(method)
    wake()
  }
  if (era === '2026-07-28') {
    await client.listen({ toolsListChanged: true, resourcesListChanged: true, promptsListChanged: true })
  } else if (
    client.transport instanceof StreamableHTTPClientTransport ||
    client.transport?.sessionId !== undefined
  ) {
    // The client opens its stream after `initialized` was answered; what is told meanwhile is kept for it.
  }
  return {
    heard,
    until: async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return [...heard].sort()
    },
  }
}

describe.each(WAYS)('what changes while $name is connected', ({ connect, era }) => {
  test('is listed at once, and told of once', async () => {
    const server = new FastMCP(NAME).addTool({ name: 'old', execute, tags: ['dull'] })
    const client = await connect(server)
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    const { heard, until } = await listening(client, era)

    server.addTool({ name: 'new', execute })
    server.addTools([
      { name: 'newer', execute },
      { name: 'newest', execute, tags: ['dull'] },
    ])
    expect(await until(1)).toEqual([METHODS.tools])
    expect(await names()).toEqual(['old', 'new', 'newer', 'newest'])

    server.disable({ tags: ['dull'], names: ['newer'] })
    expect(await until(2)).toEqual([METHODS.tools, METHODS.tools])
    expect(await names()).toEqual(['new'])
    await expect(client.callTool({ name: 'old', arguments: {} })).rejects.toMatchObject({ code: -32602 })

    server.enable({ names: ['old'] })
    await until(3)
    expect(await names()).toEqual(['old', 'new'])

    expect(server.removeTool('new')).toBe(true)
    expect(server.removeTool('new')).toBe(false)
    await until(4)
    expect(await names()).toEqual(['old'])

    server.addResource({ uri: 'data://a', name: 'A', load })
    server.addResourceTemplate({ uriTemplate: 'data://{id}/x', name: 'X', load })
    server.addPrompt({ name: 'p', load })
    expect((await until(6)).slice(0, 2)).toEqual([METHODS.prompts, METHODS.resources])
    expect((await client.listResources()).resources).toHaveLength(1)
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1)

    server.removeResource('data://a')
    server.removeResourceTemplate('data://{id}/x')
    server.removePrompt('p')
    await until(8)
    expect(heard.filter((method) => method === METHODS.tools)).toHaveLength(4)
    expect(heard.filter((method) => method === METHODS.resources)).toHaveLength(2)
    expect(heard.filter((method) => method === METHODS.prompts)).toHaveLength(2)
    expect((await client.listPrompts()).prompts).toEqual([])
  })

  test('is told of no further when nothing is another now', async () => {
    const server = new FastMCP(NAME).addTool({ name: 'old', execute })
    const client = await connect(server)
    const { heard, until } = await listening(client, era)
    server.disable({ names: ['nobody'] })
    server.enable({ tags: ['nothing'] })
    server.disable({ names: ['later'] })
    server.addTool({ name: 'later', execute })
    server.removeTool('later')
    await client.listTools()
    server.addPrompt({ name: 'p', load })
    await until(1)
    expect(heard).toEqual([METHODS.prompts])
  })
})

describe.each(WAYS.filter(({ era }) => era === '2025-11-25'))('resource updates for $name', ({ connect }) => {
  test('go to subscribers only, until they unsubscribe', async () => {
    const server = new FastMCP(NAME)
      .addResource({ uri: 'data://a', name: 'A', load })
      .addResource({ uri: 'data://b', name: 'B', load })
      .addTool({
        name: 'touch',
        execute: (_args, { notifyResourceUpdated }) => notifyResourceUpdated('data://a'),
      })
    const client = await connect(server)
    const heard: unknown[] = []
    let wake: () => void = () => {}
    client.fallbackNotificationHandler = async ({ method, params }) => {
      heard.push([method, params?.['uri']])
      wake()
    }
    const next = () => new Promise<void>((resolve) => (wake = resolve))
    await client.subscribeResource({ uri: 'data://a' })
    // The stream of a client over HTTP may still be on its way; a change of a list is kept for it.
    let woken = next()
    server.addTool({ name: 'ready', execute })
    await woken
    heard.length = 0

    woken = next()
    server.notifyResourceUpdated('data://b')
    server.notifyResourceUpdated('data://a')
    server.notifyResourceUpdated('data://a')
    await woken
    woken = next()
    await client.callTool({ name: 'touch', arguments: {} })
    await woken
    expect(heard).toEqual([
      ['notifications/resources/updated', 'data://a'],
      ['notifications/resources/updated', 'data://a'],
    ])
    await client.unsubscribeResource({ uri: 'data://a' })
    woken = next()
    server.notifyResourceUpdated('data://a')
    server.removeTool('ready')
    await woken
    expect(heard.slice(2)).toEqual([[METHODS.tools, undefined]])
  })
})

test('duplicates are an error, or taken, or ignored, as chosen', async () => {
  const strict = new FastMCP(NAME).addTool({ name: 'a', execute })
  expect(() => strict.addTool({ name: 'a', execute })).toThrow("There is already a tool 'a'")
  expect(() =>
    strict.addTools([
      { name: 'b', execute },
      { name: 'b', execute },
    ]),
  ).toThrow(/'b'/)
  expect(strict.removeTool('b')).toBe(false)

  const called = async (onDuplicate: 'replace' | 'ignore') => {
    const server = new FastMCP({ ...NAME, onDuplicate })
      .addTool({ name: 'a', execute: () => 'first' })
      .addTool({ name: 'a', execute: () => 'second' })
    const client = await WAYS[0]!.connect(server)
    return (await client.callTool({ name: 'a', arguments: {} })).content
  }
  expect(await called('replace')).toEqual([{ type: 'text', text: 'second' }])
  expect(await called('ignore')).toEqual([{ type: 'text', text: 'first' }])
})

test('without a selector everything is hidden, and shown', async () => {
  const server = new FastMCP(NAME).addTool({ name: 'a', execute }).addPrompt({ name: 'p', load })
  const client = await WAYS[0]!.connect(server)
  server.disable()
  expect((await client.listTools()).tools).toEqual([])
  expect((await client.listPrompts()).prompts).toEqual([])
  server.enable()
  expect((await client.listTools()).tools).toHaveLength(1)
})
