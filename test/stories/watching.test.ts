import { FastMCP, inMemoryTransports } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { NAME } from '../support/echo-server.js'
import { Raw } from '../support/raw-http.js'

/** A server whose resources say when they are watched, and can be changed. */
function watched() {
  const events: string[] = []
  const change = new Map<string, () => void>()
  const watch = (uri: string) => (changed: () => void) => {
    events.push(`start ${uri}`)
    change.set(uri, changed)
    return () => void events.push(`stop ${uri}`)
  }
  const server = new FastMCP(NAME)
    .addResource({ uri: 'data://one', name: 'One', load: () => '1', watch: watch('data://one') })
    .addResourceTemplate({
      uriTemplate: 'data://row/{id}',
      name: 'Row',
      load: ({ id }) => id,
      watch: ({ id }, changed) => watch(`data://row/${id}`)(changed),
    })
  return { server, events, change, watch }
}

/** A 2025 client over HTTP with its stream open. */
async function client(url: string) {
  const connection = await Raw.connect(url)
  const stream = await Raw.connect(url)
  onCleanup(() => [connection.destroy(), stream.destroy()])
  const session = await connection.initialize('2025-11-25')
  stream.get(session)
  await stream.firstByte
  let id = 0
  return {
    stream,
    subscribe: (uri: string) =>
      connection.ask({ jsonrpc: '2.0', id: ++id, method: 'resources/subscribe', params: { uri } }, session),
    unsubscribe: (uri: string) =>
      connection.ask({ jsonrpc: '2.0', id: ++id, method: 'resources/unsubscribe', params: { uri } }, session),
    leave: () => connection.send('DELETE', session),
  }
}

function listenTo(connection: Raw, uris: string[], id: string): void {
  const { headers, body } = Raw.init2026(
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: uris } },
    {},
    id,
  )
  connection.post(body, headers)
}

describe('a source', () => {
  test('is watched from the first subscriber of either era to the last, and tells both', async () => {
    const { server, events, change } = watched()
    const url = await serve(server)
    const old = await client(url)
    const modern = await Raw.connect(url)
    onCleanup(() => modern.destroy())
    expect(events).toEqual([])
    await old.subscribe('data://one')
    await old.subscribe('data://one')
    listenTo(modern, ['data://one'], 'sub')
    await expect.poll(() => modern.received).toContain('acknowledged')
    await expect.poll(() => events).toEqual(['start data://one'])
    change.get('data://one')?.()
    const updated = /notifications\/resources\/updated.*data:\/\/one/
    await expect.poll(() => old.stream.received).toMatch(updated)
    await expect.poll(() => modern.received).toMatch(updated)
    await old.unsubscribe('data://one')
    await old.unsubscribe('data://one')
    expect(events).toEqual(['start data://one'])
    modern.destroy()
    await expect.poll(() => events).toEqual(['start data://one', 'stop data://one'])
    const before = old.stream.received
    change.get('data://one')?.()
    await old.subscribe('data://nothing')
    expect(old.stream.received).toBe(before)
  })

  test('of a template is watched for each resource by itself', async () => {
    const { server, events, change } = watched()
    const { subscribe, leave, stream } = await client(await serve(server))
    await subscribe('data://row/1')
    await subscribe('data://row/2')
    await expect.poll(() => events).toEqual(['start data://row/1', 'start data://row/2'])
    change.get('data://row/2')?.()
    await expect.poll(() => stream.received).toContain('data://row/2')
    expect(stream.received).not.toContain('data://row/1')
    await leave()
    await expect.poll(() => events.slice(2).sort()).toEqual(['stop data://row/1', 'stop data://row/2'])
  })

  test('is let go when its resource goes, found again when that comes back, and another when replaced', async () => {
    const { server, events, watch } = watched()
    const { subscribe } = await client(await serve(server))
    await subscribe('data://one')
    await expect.poll(() => events).toHaveLength(1)
    server.removeResource('data://one')
    await expect.poll(() => events.at(-1)).toBe('stop data://one')
    server.addResource({ uri: 'data://one', name: 'One', load: () => '1', watch: watch('another') })
    await expect.poll(() => events.at(-1)).toBe('start another')
    server.removeResource('data://one')
    server.addResource({ uri: 'data://one', name: 'One', load: () => '1', watch: watch('a third') })
    await expect.poll(() => events.slice(-2)).toEqual(['stop another', 'start a third'])
    server.addResource({ uri: 'data://unrelated', name: 'Unrelated', load: () => '' })
    await server.stop()
    expect(events.slice(3)).toEqual(['stop another', 'start a third', 'stop a third'])
  })

  test('that cannot be watched is told to the logger, and the subscription stands', async () => {
    const logged: unknown[] = []
    const log = (...message: unknown[]) => void logged.push(message[0])
    const server = new FastMCP({ ...NAME, logger: { debug: log, info: log, warn: log, error: log } })
    server.addResource({
      uri: 'data://bad',
      name: 'Bad',
      load: () => '',
      watch: () => {
        throw new Error('no')
      },
    })
    const { subscribe, stream } = await client(await serve(server))
    expect((await subscribe('data://bad')).json).toMatchObject({ result: {} })
    await expect.poll(() => logged).toEqual(["Watching resource 'data://bad' failed"])
    server.notifyResourceUpdated('data://bad')
    await expect.poll(() => stream.received).toContain('data://bad')
  })

  test('that starts slowly is let go even where nobody is left when it has started', async () => {
    const events: string[] = []
    let started: (stop: () => void) => void = () => {}
    const server = new FastMCP(NAME).addResource({
      uri: 'data://slow',
      name: 'Slow',
      load: () => '',
      watch: () => {
        events.push('starting')
        return new Promise((resolve) => (started = resolve))
      },
    })
    const { subscribe, unsubscribe } = await client(await serve(server))
    await subscribe('data://slow')
    await expect.poll(() => events).toEqual(['starting'])
    await unsubscribe('data://slow')
    started(() => void events.push('stopped'))
    await expect.poll(() => events).toEqual(['starting', 'stopped'])
  })
})

test('a handler tells subscribers through its context', async () => {
  const server = new FastMCP(NAME).addResource({ uri: 'data://one', name: 'One', load: () => '1' }).addTool({
    name: 'touch',
    execute: (_args, { notifyResourceUpdated }) => {
      notifyResourceUpdated('data://one')
    },
  })
  const [clientSide, serverSide] = inMemoryTransports()
  await server.connect(serverSide)
  const received: { method?: string; params?: unknown }[] = []
  clientSide.onmessage = (message) => received.push(message)
  await clientSide.start()
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  await clientSide.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  await clientSide.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await clientSide.send({
    jsonrpc: '2.0',
    id: 2,
    method: 'resources/subscribe',
    params: { uri: 'data://one' },
  })
  await clientSide.send({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'touch' } })
  await expect
    .poll(() => received.filter(({ method }) => method === 'notifications/resources/updated'))
    .toEqual([{ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'data://one' } }])
  await clientSide.close()
})
