/** The official clients, in every way they can reach a server. */
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
  type Transport as TransportV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport as TransportV1 } from '@modelcontextprotocol/sdk/shared/transport.js'
import { inMemoryTransports, type FastMCP, type Transport } from 'fastmesh'
import { afterEach } from 'vitest'

/** Anything that is to be undone when a test ends. */
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp()
})

export function onCleanup(cleanUp: () => unknown): void {
  cleanups.push(cleanUp)
}

/** Start a server on a free port of this machine, for as long as the test runs. */
export async function serve(
  server: { start: FastMCP['start']; stop: FastMCP['stop'] },
  options: object = {},
): Promise<string> {
  const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1', ...options } })
  onCleanup(() => server.stop())
  return url
}

/** What the tests use of either official client; both have it. */
export type OfficialClient = ClientV2

export interface Way {
  readonly name: string
  readonly era: '2025-11-25' | '2026-07-28'
  readonly wire: 'http' | 'memory' | 'fetch'
  readonly connect: (server: object, options?: ClientOptions) => Promise<OfficialClient>
}

interface ClientOptions {
  readonly capabilities?: object
  /** Called with the client before it connects. */
  readonly prepare?: (client: OfficialClient) => unknown
}

const INFO = { name: 'test-client', version: '9.9.9' }

function v2(
  mode: 'legacy' | 'auto' | { pin: string },
  { prepare, ...options }: ClientOptions = {},
): ClientV2 {
  const client = new ClientV2(INFO, { versionNegotiation: { mode }, ...options })
  prepare?.(client)
  return client
}

/** The v1 client, its `callTool` taking options where v2's does. */
function v1({ prepare, ...options }: ClientOptions): ClientV1 {
  const client = new ClientV1(INFO, options)
  prepare?.(client as unknown as OfficialClient)
  const callTool = client.callTool.bind(client)
  return Object.assign(client, {
    callTool: (params: Parameters<typeof callTool>[0], more?: Parameters<typeof callTool>[2]) =>
      callTool(params, undefined, more),
  })
}

async function toHttp(server: object): Promise<URL> {
  return new URL(await serve(server as FastMCP))
}

async function toMemory(server: object): Promise<Transport> {
  const [clientSide, serverSide] = inMemoryTransports()
  await (server as FastMCP).connect(serverSide)
  onCleanup(() => serverSide.close())
  return clientSide
}

async function connected<C extends { close: () => Promise<void> }>(
  client: C,
  connecting: Promise<void>,
): Promise<C> {
  await connecting
  onCleanup(() => client.close())
  return client
}

const MODES = [
  { label: 'v2 legacy', era: '2025-11-25', mode: 'legacy' },
  { label: 'v2 auto', era: '2026-07-28', mode: 'auto' },
  { label: 'v2 pinned', era: '2026-07-28', mode: { pin: '2026-07-28' } },
] as const

/** Every official client over every wire of this process. Stdio has tests of its own, with real processes. */
export const WAYS: readonly Way[] = [
  ...MODES.flatMap(({ label, era, mode }): Way[] => [
    {
      name: `${label} over http`,
      era,
      wire: 'http',
      connect: async (server, options) => {
        const client = v2(mode, options)
        return connected(client, client.connect(new HttpV2(await toHttp(server))))
      },
    },
    {
      name: `${label} over fetch`,
      era,
      wire: 'fetch',
      connect: async (server, options) => {
        const client = v2(mode, options)
        const fetch = (url: string | URL, init?: RequestInit): Promise<Response> =>
          (server as FastMCP).fetch(new Request(url, init))
        onCleanup(() => (server as FastMCP).stop())
        return connected(client, client.connect(new HttpV2(new URL('http://localhost/mcp'), { fetch })))
      },
    },
    {
      name: `${label} in memory`,
      era,
      wire: 'memory',
      connect: async (server, options) => {
        const client = v2(mode, options)
        return connected(client, client.connect((await toMemory(server)) as TransportV2))
      },
    },
  ]),
  {
    name: 'v1 over http',
    era: '2025-11-25',
    wire: 'http',
    connect: async (server, options = {}) => {
      const client = v1(options)
      const transport = new HttpV1(await toHttp(server)) as TransportV1
      return (await connected(client, client.connect(transport))) as unknown as OfficialClient
    },
  },
  {
    name: 'v1 in memory',
    era: '2025-11-25',
    wire: 'memory',
    connect: async (server, options = {}) => {
      const client = v1(options)
      const transport = (await toMemory(server)) as TransportV1
      return (await connected(client, client.connect(transport))) as unknown as OfficialClient
    },
  },
]

/** One way for each era, for what does not depend on the wire. */
export const ERAS: readonly Way[] = WAYS.filter(
  ({ name }) => name === 'v2 legacy over http' || name === 'v2 pinned over http',
)
