/** The upstreams and the proxies before them, and which of them lead where. */
import { fileURLToPath } from 'node:url'
import { startHttpUpstream } from './http-upstream.mjs'
import { meshUpstream, startSdkUpstream } from './tame-upstreams.mjs'

const STDIO = fileURLToPath(new URL('stdio-upstream.mjs', import.meta.url))
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
const PATIENT = { connectTimeoutMs: 150_000, timeoutMs: 150_000, maxConnections: 150, logger: SILENT }
/** How long a session is kept whose client left without a word, in milliseconds. */
const SERVED = { session: { idleTimeoutMs: 10_000 }, logger: SILENT }
/** How long hasty proxies wait for an answer, in milliseconds. */
const HASTE_MS = 250

/**
 * The upstream behind each prefix. `isScripted`: whether it can do wrong. `passes`: whether its proxy passes headers on.
 * `isHasty`: whether its proxy calls off what takes long.
 */
export const UPSTREAMS = {
  n25: { wire: 'http', era: '2025-11-25', isScripted: true, weight: 5 },
  n26: { wire: 'http', era: '2026-07-28', isScripted: true, weight: 8 },
  h25: { wire: 'http', era: '2025-11-25', isScripted: true, passes: true, weight: 3 },
  h26: { wire: 'http', era: '2026-07-28', isScripted: true, passes: true, weight: 3 },
  sse: { wire: 'sse', era: '2025-11-25', isScripted: true, weight: 3 },
  p25: { wire: 'stdio', era: '2025-11-25', isScripted: true, weight: 5 },
  p26: { wire: 'stdio', era: '2026-07-28', isScripted: true, weight: 5 },
  s25: { wire: 'stdio', era: '2025-11-25', isScripted: true, isShared: true, weight: 3 },
  s26: { wire: 'stdio', era: '2026-07-28', isScripted: true, isShared: true, weight: 3 },
  mem: { wire: 'memory', weight: 2 },
  mesh: { wire: 'http', weight: 3 },
  sdk: { wire: 'http', era: '2025-11-25', hasOnlyTools: true, weight: 3 },
  q25: { wire: 'http', era: '2025-11-25', isScripted: true, isHasty: true, weight: 1 },
  q26: { wire: 'stdio', era: '2026-07-28', isScripted: true, isHasty: true, weight: 1 },
}

const COMPOSED = ['n25', 'n26', 'sse', 'p25', 'p26', 'mesh']

/**
 * Where callers call. `isSecured`: whether they have to say who they are. `behind`: the gateway behind it, for two
 * hops, which is spoken to in `era`. `passes`: whether it passes headers on itself.
 */
export const GATEWAYS = {
  open: {},
  secured: { isSecured: true },
  composite: { prefixes: COMPOSED },
  compositeSecured: { prefixes: COMPOSED, isSecured: true, passes: true },
  outer: { behind: 'open', passes: true },
  outerOld: { behind: 'open', passes: true, era: '2025-11-25' },
  outerNew: { behind: 'open', era: '2026-07-28' },
  outerSecured: { behind: 'secured', isSecured: true, passes: true },
  outerBlind: { behind: 'open', isSecured: true },
}

/** The properties of a way from a caller to an upstream. */
export function routeOf(gatewayName, prefix, caller) {
  const gateway = GATEWAYS[gatewayName]
  const upstream = UPSTREAMS[prefix]
  const passes = gateway.prefixes === undefined ? upstream.passes : gateway.passes
  const hasHeaders = upstream.wire === 'http' || upstream.wire === 'sse'
  // As the last proxy sees it.
  const isAnonymous = (gateway.behind === undefined ? gateway : GATEWAYS[gateway.behind]).isSecured !== true
  const isOld = (gateway.era ?? caller.era) === '2025-11-25'
  const isShared = upstream.isShared === true
  const isProcess = upstream.wire === 'stdio'
  return {
    ...upstream,
    gateway: gatewayName,
    prefix,
    isHttp: upstream.wire === 'http',
    passes: passes === true && hasHeaders && (gateway.behind === undefined || gateway.passes === true),
    /** Whether what a server remembers of a connection is of one caller. */
    isAlone: !isShared && (isOld || !isProcess || (!isAnonymous && upstream.era === '2025-11-25')),
    /** Anonymous callers from 2026-07-28 on are one caller for a process: it may speak for one to the next. */
    maySpeakLate: isOld || !isProcess || isShared || !isAnonymous,
    /** Whether the process that asked may be replaced before it is answered, as another call on it was called off. */
    mayLoseProcess: isProcess && !isShared && !isOld && isAnonymous && upstream.era === '2026-07-28',
    /** Whether it can be known whom a question is for. */
    canAsk: !isShared || upstream.era === '2026-07-28',
  }
}

/** Starts everything. `port`: where processes report to. Gives the URLs of the gateways, and what stops all. */
export async function startNetwork(fastmesh, observer, port) {
  const stops = []
  const gateways = []
  const targets = {}
  for (const prefix of Object.keys(UPSTREAMS)) {
    const { target, stop } = await startUpstream(fastmesh, prefix, observer, port)
    targets[prefix] = target
    if (stop !== undefined) stops.unshift(stop)
  }
  const urls = {}
  for (const [name, gateway] of Object.entries(gatewaysBefore(targets, fastmesh))) {
    const server = gateway(urls)
    gateways.push(server)
    urls[name] = await serve(server)
  }
  return {
    urls,
    stop: async () => {
      // Calls whose clients went while they were asked are waited for: side by side.
      await Promise.all(gateways.map((gateway) => gateway.stop()))
      for (const stop of stops) await stop()
    },
  }
}

async function startUpstream(fastmesh, prefix, observer, port) {
  const { wire, era, isScripted } = UPSTREAMS[prefix]
  if (wire === 'stdio')
    return { target: { command: process.execPath, args: [STDIO, era, String(port)], stderr: 'ignore' } }
  if (isScripted || prefix === 'sdk') {
    const upstream = isScripted
      ? await startHttpUpstream(wire === 'sse' ? wire : era, observer)
      : await startSdkUpstream(observer)
    return { target: { url: upstream.url }, stop: () => upstream.stop() }
  }
  const server = meshUpstream(fastmesh, SERVED, observer)
  return { target: wire === 'http' ? { url: await serve(server) } : server, stop: () => server.stop() }
}

async function serve(server) {
  const { url } = await server.start({ httpStream: { port: 0, host: '127.0.0.1' } })
  return url
}

/** Makes of each gateway, given the URLs of those before it. */
function gatewaysBefore(targets, { FastMCP }) {
  const proxies = Object.entries(UPSTREAMS).map(([prefix, { isShared, passes, isHasty }]) => ({
    prefix,
    proxy: FastMCP.asProxy(targets[prefix], {
      ...PATIENT,
      ...(isShared && { shared: true }),
      ...(passes && { headers: passing }),
      ...(isHasty && { timeoutMs: HASTE_MS }),
    }),
  }))
  const make = ({ isSecured, prefixes, behind, passes, era }, name) => {
    const options = { name, version: '1.0.0', ...SERVED, ...(isSecured && { authenticate }) }
    const proxyOptions = { ...PATIENT, ...options, ...(passes && { headers: passing }), ...(era && { era }) }
    if (prefixes !== undefined) {
      const mcpServers = Object.fromEntries(prefixes.map((prefix) => [prefix, targets[prefix]]))
      return () => FastMCP.asProxy({ mcpServers }, proxyOptions)
    }
    if (behind !== undefined) return (urls) => FastMCP.asProxy(urls[behind], proxyOptions)
    return () => proxies.reduce((main, { prefix, proxy }) => main.mount(prefix, proxy), new FastMCP(options))
  }
  return Object.fromEntries(Object.entries(GATEWAYS).map(([name, gateway]) => [name, make(gateway, name)]))
}

/** Passes on the tag of a caller, and who it is where that is known. */
function passing({ headers, session }) {
  const passed = { 'x-tag': headers?.['x-tag'], 'x-key': session?.id }
  return Object.fromEntries(Object.entries(passed).filter(([, value]) => value !== undefined))
}

function authenticate({ headers }) {
  if (headers['x-key'] === undefined) throw new Error('It has to say who it is')
  return { id: headers['x-key'] }
}
