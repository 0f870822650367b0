import { FastMCP } from 'fastmesh'
import { afterEach, expect, test } from 'vitest'
import { connectorTo } from '../../../src/client/target.js'
import type { Follower, RelaySession } from '../../../src/components/context.js'
import { ConnectionPool, type LeaseRequest } from '../../../src/proxy/connection-pool.js'
import { UpstreamConnection } from '../../../src/proxy/upstream-connection.js'
import { limitsOf, type UpstreamOptions } from '../../../src/proxy/upstream-options.js'
import { Cancellation } from '../../../src/runtime/cancellation.js'

const server = new FastMCP({ name: 'behind', version: '1.0.0' })
const connector = connectorTo(server)
const pools: ConnectionPool[] = []
const REUSE = { isReusable: true, isResumable: false }
const DROP = { isReusable: false, isResumable: false }

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
  await server.stop()
})

function pool(options: UpstreamOptions = {}): ConnectionPool {
  const made = new ConnectionPool('behind', limitsOf(options, connector))
  pools.push(made)
  return made
}

function create(): UpstreamConnection {
  return new UpstreamConnection({
    ownership: 'exclusive',
    connector,
    eras: ['2025-11-25'],
    introduction: { info: { name: 'pool', version: '1' }, capabilities: {} },
    headers: {},
    credentials: undefined,
    wantsLogs: false,
    openTimeoutMs: 1000,
    onStray: () => undefined,
  })
}

const request = (key = 'a', signal = new Cancellation()): LeaseRequest => ({ key, signal, create })

/** A session that can be ended. */
function session(id: string): { session: RelaySession; end: () => void } {
  const followers = new Set<Follower>()
  const made = {
    id,
    follow: (follower: Follower) => {
      followers.add(follower)
      return () => followers.delete(follower)
    },
  } as unknown as RelaySession
  return {
    session: made,
    end: () => {
      for (const { ended } of [...followers]) ended()
    },
  }
}

test('a lease › gets the idle connection with its key, and no other', async () => {
  const connections = pool()
  const first = await connections.lease(request())
  first.release(REUSE)
  const [again, atOnce, other] = [
    await connections.lease(request()),
    await connections.lease(request()),
    await connections.lease(request('b')),
  ]
  expect(again.connection).toBe(first.connection)
  expect(new Set([again.connection, atOnce.connection, other.connection]).size).toBe(3)
  expect(connections.size).toBe(3)
})

test('a connection that is not reusable › is closed, and given to nobody', async () => {
  const connections = pool()
  const first = await connections.lease(request())
  first.release(DROP)
  expect((await connections.lease(request())).connection).not.toBe(first.connection)
  expect(connections.size).toBe(1)
})

test('a lease beyond maxConnections › waits for a slot; idle connections of others make room', async () => {
  const connections = pool({ maxConnections: 1 })
  const first = await connections.lease(request('a'))
  const waiting = connections.lease(request('b'))
  first.release(REUSE)
  expect((await waiting).connection).not.toBe(first.connection)
  expect(connections.size).toBe(1)
})

test('a lease beyond maxConnections and maxQueue › is refused', async () => {
  const connections = pool({ maxConnections: 1, maxQueue: 1 })
  await connections.lease(request())
  const controller = new Cancellation()
  const waiting = connections.lease(request('a', controller))
  await expect(connections.lease(request())).rejects.toThrow("'behind' is busy")
  controller.cancel(new Error('not wanted'))
  await expect(waiting).rejects.toThrow('not wanted')
})

test('a fresh connection › is never used again, and a frequent key has some opened ahead', async () => {
  const connections = pool()
  const seen = new Set<UpstreamConnection>()
  for (let call = 0; call < 20; call++) {
    const { connection, release } = await connections.leaseFresh(request())
    expect(seen.has(connection)).toBe(false)
    seen.add(connection)
    release(REUSE)
    expect(connections.size).toBeLessThanOrEqual(4)
  }
  expect(connections.size).toBe(4)
})

test('connections ahead › are of their key alone', async () => {
  const connections = pool()
  for (let call = 0; call < 5; call++) (await connections.leaseFresh(request('a'))).release(DROP)
  const before = connections.size
  const other = await connections.leaseFresh(request('b'))
  expect(connections.size).toBe(before + 1)
  other.release(DROP)
})

test('a lease by the id of a process › waits until no other call uses it', async () => {
  const connections = pool()
  const first = await connections.lease(request())
  await first.connection.connection.open()
  const openId = String(first.connection.connection.openId)
  const signal = new Cancellation()
  const [second, third] = [connections.leaseById(openId, signal), connections.leaseById(openId, signal)]
  first.release({ isReusable: true, isResumable: true })
  const lease = await second
  expect(lease.connection).toBe(first.connection)
  lease.release(REUSE)
  expect((await third).connection).toBe(first.connection)
})

test('a lease by the id of a process that ends › is refused', async () => {
  const connections = pool()
  const first = await connections.lease(request())
  await first.connection.connection.open()
  const openId = String(first.connection.connection.openId)
  const waiting = connections.leaseById(openId, new Cancellation())
  first.release(DROP)
  await expect(waiting).rejects.toThrow('has ended: call again')
  await expect(connections.leaseById('never there', new Cancellation())).rejects.toThrow('has ended')
})

test('the connection of a session › is one, and ends with it', () => {
  const connections = pool({ maxConnections: 1 })
  const [one, other] = [session('one'), session('other')]
  const connection = connections.forSession(one.session, create)
  expect(connections.forSession(one.session, create)).toBe(connection)
  expect(connections.ofSession(one.session)).toBe(connection)
  expect(() => connections.forSession(other.session, create)).toThrow("'behind' is busy")
  one.end()
  expect(connections.size).toBe(0)
  expect(connections.forSession(other.session, create)).not.toBe(connection)
})

test('a pool that is closed › refuses calls that wait', async () => {
  const connections = pool({ maxConnections: 1 })
  await connections.lease(request())
  const waiting = connections.lease(request())
  const refused = expect(waiting).rejects.toThrow('The proxy is closed')
  await connections.close()
  await refused
  expect(connections.size).toBe(0)
})
