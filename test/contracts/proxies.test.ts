/** Through one proxy or two, over every wire, between every pair of eras, a client sees what it sees without. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  SSEClientTransport,
  StreamableHTTPClientTransport as HttpTransport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { FastMCP, inMemoryTransports, type EraName, type ProxyTarget } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { featured } from '../servers/featured.js'
import { onCleanup, serve } from '../support/clients.js'
import { transcriptOver, type Outside, type Transcript } from '../support/transcript.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']
const FILE = new URL('../servers/featured.ts', import.meta.url).pathname

/** A process of its own; a file of this test keeps how many of its calls were cancelled. */
async function command(): Promise<{ command: string; args: string[]; env: Record<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'fastmesh-'))
  onCleanup(() => rm(folder, { recursive: true }))
  const env = { CANCELLED_FILE: join(folder, 'cancelled') }
  return { command: process.execPath, args: ['--import', 'tsx', FILE], env }
}

interface Wire {
  readonly name: string
  readonly eras: readonly EraName[]
  /** Where a new featured server is, for a proxy. */
  readonly target: () => Promise<ProxyTarget>
  /** The same, for the official client. */
  readonly transport: () => Promise<unknown>
}

const WIRES: readonly Wire[] = [
  {
    name: 'http',
    eras: ERAS,
    target: () => serve(featured()),
    transport: async () => new HttpTransport(new URL(await serve(featured()))),
  },
  {
    name: 'sse',
    eras: ['2025-11-25'],
    target: async () => (await serve(featured())).replace(/mcp$/, 'sse'),
    transport: async () => new SSEClientTransport(new URL((await serve(featured())).replace(/mcp$/, 'sse'))),
  },
  {
    name: 'stdio',
    eras: ERAS,
    target: command,
    transport: async () => new StdioClientTransport(await command()),
  },
  {
    name: 'memory',
    eras: ERAS,
    target: async () => stopping(featured()),
    transport: () => transportTo(featured()),
  },
]

function stopping<S extends { stop: () => Promise<void> }>(server: S): S {
  onCleanup(() => server.stop())
  return server
}

async function transportTo(server: FastMCP<unknown, object, object>): Promise<unknown> {
  const [clientSide, serverSide] = inMemoryTransports()
  await stopping(server).connect(serverSide)
  return clientSide
}

/** A transcript as JSON: without what sessions remember, where only one side has sessions. */
function comparable({ state, ...transcript }: Transcript, hasSessions: boolean): object {
  return JSON.parse(JSON.stringify({ ...transcript, ...(hasSessions && { state }) })) as object
}

const directly = new Map<EraName, Promise<Transcript>>()

function direct(era: EraName): Promise<Transcript> {
  const known =
    directly.get(era) ?? transportTo(featured()).then((transport) => transcriptOver(transport, era))
  directly.set(era, known)
  return known
}

test.each(WIRES.flatMap((wire) => wire.eras.map((era) => ({ name: `${wire.name} ${era}`, wire, era }))))(
  'directly over $name',
  async ({ wire, era }) => {
    const seen = await transcriptOver(await wire.transport(), era)
    expect(comparable(seen, true)).toEqual(comparable(await direct(era), true))
  },
  30_000,
)

describe.each(WIRES)('through proxies over $name', (wire) => {
  const pairs = ERAS.flatMap((front) => wire.eras.map((behind) => ({ front, behind })))

  test.each(pairs)(
    'a client of $front before a server of $behind',
    async ({ front, behind }) => {
      const proxy = FastMCP.asProxy(await wire.target(), { era: behind })
      const seen = await transcriptOver(await transportTo(proxy), front)
      const hasSessions = front === behind
      expect(comparable(seen, hasSessions)).toEqual(comparable(await direct(front), hasSessions))
    },
    60_000,
  )

  test.each(pairs)(
    'a client of $front before a proxy over HTTP before a server of $behind',
    async ({ front, behind }) => {
      // The outer proxy has several sessions with the inner one, whose processes do not know of each other.
      const isOneProcess = wire.name !== 'stdio'
      const transport = await throughTwo(wire, { era: behind })
      const seen = await transcriptOver(transport, front, { isOneProcess })
      const hasSessions = front === behind && isOneProcess
      const { changing, subscribing, ...others } = await direct(front)
      const expected = isOneProcess ? { ...others, changing, subscribing } : others
      expect(comparable(seen, hasSessions)).toEqual(comparable(expected, hasSessions))
    },
    60_000,
  )
})

/** The way to a server behind two proxies over HTTP. */
async function throughTwo(wire: Wire, options: { era: EraName; shared?: boolean }): Promise<HttpTransport> {
  const inner = FastMCP.asProxy(await wire.target(), options)
  const outer = FastMCP.asProxy(await serve(inner), { era: options.era })
  return new HttpTransport(new URL(await serve(outer)))
}

/** On a connection for all callers nothing but a request says which call a message belongs to. */
describe("through two proxies with `shared: true` over 'stdio'", () => {
  const [, , wire] = WIRES as [Wire, Wire, Wire]
  const pairs = ERAS.flatMap((front) => ERAS.map((behind) => ({ front, behind })))

  test.each(pairs)(
    'a client of $front before a server of $behind is told all but what names no request',
    async ({ front, behind }) => {
      const seen = await transcriptOver(await throughTwo(wire, { era: behind, shared: true }), front)
      const { asking, logs, ...rest } = seen
      const { asking: asksDirectly, logs: logsDirectly, ...restDirectly } = await direct(front)
      const hasSessions = front === behind
      expect(comparable(rest, hasSessions)).toEqual(comparable(restDirectly, hasSessions))
      const [logResult] = logsDirectly as [unknown]
      expect(logs).toEqual([logResult, []])
      // From 2026-07-28 on a server asks in its result, which names its request.
      if (behind === '2026-07-28')
        expect(comparable({ asking }, false)).toEqual(comparable({ asking: asksDirectly }, false))
      else expect((asking as [unknown, unknown[]])[1]).toEqual([])
    },
    60_000,
  )
})

const MOUNTED: Outside = {
  name: (inner) => `m_${inner}`,
  uri: (inner) => inner.replace('data://', 'data://m/').replace(/^urn/, 'm+urn'),
}

test.each(ERAS)(
  'through a mounted proxy, for a client of %s, with other names',
  async (era) => {
    const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount(
      'm',
      FastMCP.asProxy(await serve(featured())),
    )
    const seen = await transcriptOver(await transportTo(main), era, { outside: MOUNTED })
    const inward = JSON.stringify(seen)
      .replaceAll('data://m/', 'data://')
      .replaceAll('m+urn', 'urn')
      .replaceAll(/\bm_/g, '')
    const { instructions, ...others } = await direct(era)
    // What a server says of itself as a whole is not said of what it is a part of.
    expect(instructions).toBeDefined()
    expect(JSON.parse(inward)).toEqual(comparable(others, true))
  },
  60_000,
)
