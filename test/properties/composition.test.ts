/** Any sequence of changes to a tree of servers leaves lists, lookups and notifications agreeing with a simple model. */
import fc from 'fast-check'
import { FastMCP, inMemoryTransports } from 'fastmesh'
import { expect, test } from 'vitest'

const SERVERS = 4
const NAMES = ['a', 'b', 'p_a']
const PREFIXES = [undefined, 'p', 'q']
const TAGS = ['red', 'blue']

interface Selector {
  names?: string[]
  tags?: string[]
}

interface Item {
  name: string
  tag: string | undefined
  /** Whose it is, told by what it answers. */
  owner: number
}

/** What a server should show, worked out anew each time. */
class Model {
  readonly own: Item[][] = Array.from({ length: SERVERS }, () => [])
  readonly mounts: { child: number; prefix: string | undefined }[][] = Array.from(
    { length: SERVERS },
    () => [],
  )
  readonly rules: { selector: Selector; visible: boolean }[][] = Array.from({ length: SERVERS }, () => [])

  reaches(from: number, to: number): boolean {
    return from === to || this.mounts[from]!.some(({ child }) => this.reaches(child, to))
  }

  /** Names with whose they are, in order. */
  view(server: number): Item[] {
    const mounted = this.mounts[server]!.flatMap(({ child, prefix }) =>
      this.view(child).map((item) => ({
        ...item,
        name: prefix === undefined ? item.name : `${prefix}_${item.name}`,
      })),
    )
    const shown = [...this.own[server]!, ...mounted].filter((item) => this.#isVisible(server, item))
    return shown.filter((item, at) => shown.findIndex(({ name }) => name === item.name) === at)
  }

  #isVisible(server: number, { name, tag }: Item): boolean {
    const isMeant = ({ names, tags }: Selector): boolean =>
      (names === undefined && tags === undefined) ||
      (names?.includes(name) ?? false) ||
      (tag !== undefined && (tags?.includes(tag) ?? false))
    return this.rules[server]!.findLast(({ selector }) => isMeant(selector))?.visible ?? true
  }
}

type Step =
  | { do: 'add'; server: number; name: string; tag: string | undefined }
  | { do: 'remove'; server: number; name: string }
  | { do: 'mount'; server: number; child: number; prefix: string | undefined }
  | { do: 'unmount'; server: number; child: number }
  | { do: 'show'; server: number; selector: Selector; visible: boolean }

const server = fc.integer({ min: 0, max: SERVERS - 1 })
const anyName = fc.constantFrom(...NAMES, 'p_b', 'q_p_a')
const selector: fc.Arbitrary<Selector> = fc.oneof(
  anyName.map((name) => ({ names: [name] })),
  fc.constantFrom(...TAGS).map((tag) => ({ tags: [tag] })),
  fc.constant({}),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('add' as const),
    server,
    name: fc.constantFrom(...NAMES),
    tag: fc.constantFrom(undefined, ...TAGS),
  }),
  fc.record({ do: fc.constant('remove' as const), server, name: fc.constantFrom(...NAMES) }),
  fc.record({
    do: fc.constant('mount' as const),
    server,
    child: server,
    prefix: fc.constantFrom(...PREFIXES),
  }),
  fc.record({ do: fc.constant('unmount' as const), server, child: server }),
  fc.record({ do: fc.constant('show' as const), server, selector, visible: fc.boolean() }),
)

/** Change both; what a server refuses the model does not do. */
function perform(servers: readonly FastMCP[], model: Model, done: Step): void {
  const real = servers[done.server]!
  switch (done.do) {
    case 'add': {
      const { name, tag } = done
      real.addTool({ name, tags: tag === undefined ? [] : [tag], execute: () => String(done.server) })
      const own = model.own[done.server]!
      if (!own.some((item) => item.name === name)) own.push({ name, tag, owner: done.server })
      return
    }
    case 'remove': {
      const own = model.own[done.server]!
      const at = own.findIndex(({ name }) => name === done.name)
      expect(real.removeTool(done.name)).toBe(at >= 0)
      if (at >= 0) own.splice(at, 1)
      return
    }
    case 'mount': {
      const { child, prefix } = done
      const mount = () =>
        prefix === undefined ? real.mount(servers[child]!) : real.mount(prefix, servers[child]!)
      if (model.reaches(child, done.server)) expect(mount).toThrow('cannot take in')
      else {
        mount()
        model.mounts[done.server]!.push({ child, prefix })
      }
      return
    }
    case 'unmount': {
      const before = model.mounts[done.server]!
      model.mounts[done.server] = before.filter(({ child }) => child !== done.child)
      expect(real.unmount(servers[done.child]!)).toBe(before.length > model.mounts[done.server]!.length)
      return
    }
    case 'show': {
      real[done.visible ? 'enable' : 'disable'](done.selector)
      const { names, tags } = done.selector
      // Said of everything, it takes the place of all that was said before.
      if (names === undefined && tags === undefined) model.rules[done.server] = []
      model.rules[done.server]!.push({ selector: done.selector, visible: done.visible })
    }
  }
}

/** A 2025 client in memory, as plain as can be. */
async function listener(of: FastMCP) {
  const [clientSide, serverSide] = inMemoryTransports()
  const waiting = new Map<unknown, (result: never) => void>()
  let changes = 0
  let lastId = 0
  await of.connect(serverSide)
  clientSide.onmessage = (message) => {
    const { id, method, result, error } = message as Record<string, unknown>
    if (method === 'notifications/tools/list_changed') changes += 1
    if (method === undefined) waiting.get(id)?.((result ?? error) as never)
  }
  await clientSide.start()
  const ask = <Result>(method: string, params: object = {}): Promise<Result> => {
    const id = (lastId += 1)
    const answer = new Promise<Result>((resolve) => waiting.set(id, resolve))
    void clientSide.send({ jsonrpc: '2.0', id, method, params } as never)
    return answer
  }
  await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  })
  await clientSide.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await ask('ping')
  return {
    ask,
    /** How often it was told of changes since last asked. */
    heard: async () => {
      await ask('ping')
      const heard = changes
      changes = 0
      return heard
    },
  }
}

test('a tree of servers is what a simple model says it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const logger = { debug() {}, info() {}, warn() {}, error() {} }
      const servers = Array.from(
        { length: SERVERS },
        (_, at) => new FastMCP({ name: `s${at}`, version: '1', onDuplicate: 'ignore', logger }),
      )
      const model = new Model()
      const clients = await Promise.all(servers.map(listener))
      for (const done of steps) {
        const before = servers.map((_, at) => model.view(at))
        perform(servers, model, done)
        for (const [at, { ask, heard }] of clients.entries()) {
          const expected = model.view(at)
          const { tools } = await ask<{ tools: { name: string }[] }>('tools/list')
          expect(tools.map(({ name }) => name)).toEqual(expected.map(({ name }) => name))
          const told = await heard()
          expect(told).toBeLessThanOrEqual(1)
          if (JSON.stringify(expected) !== JSON.stringify(before[at])) expect(told).toBe(1)
        }
      }
      for (const [at, { ask }] of clients.entries()) {
        const expected = new Map(model.view(at).map(({ name, owner }) => [name, owner]))
        for (const name of [...expected.keys(), ...NAMES, 'p_p_a', 'q_b']) {
          const result = await ask<{ content?: { text: string }[]; code?: number }>('tools/call', { name })
          const owner = expected.get(name)
          if (owner === undefined) expect(result.code).toBe(-32602)
          else expect(result.content?.[0]?.text).toBe(String(owner))
        }
      }
      await Promise.all(servers.map((each) => each.stop()))
    }),
    { numRuns: 150 },
  )
}, 60_000)
