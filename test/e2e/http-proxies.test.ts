/** HTTP proxies between a client and its server: given by URL, or by the environment. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { FastMCP } from 'fastmesh'
import { afterEach, describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { httpProxy } from '../support/http-proxy.js'
import { connected } from '../support/own-client.js'

const VARIABLES = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_USE_ENV_PROXY',
]
const before = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]))

function environment(variables: Record<string, string>): void {
  for (const name of VARIABLES) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, variables)
}

afterEach(() => {
  environment({})
  for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value
})

const path = (name: string): string => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname
const cert = readFileSync(path('cert.pem'))
const key = readFileSync(path('key.pem'))

/** Serves over HTTP, or TLS, under a name that only the proxy can resolve. */
async function behindName(options: object = {}): Promise<{ url: string; port: string }> {
  const { port, protocol } = new URL(
    await serve(echoServer(), { allowedHosts: ['upstream.test', '127.0.0.1'], ...options }),
  )
  return { url: `${protocol}//upstream.test:${port}/mcp`, port }
}

describe('proxy: a URL', () => {
  test('› plain HTTP is forwarded, without a tunnel', async () => {
    const proxy = await httpProxy()
    const { url } = await behindName()
    const client = await connected({ url, proxy: proxy.url })
    expect((await client.callTool('plain')).data).toBe('plain')
    expect(new Set(proxy.asked)).toEqual(new Set([`POST ${url}`]))
  })

  test('› TLS goes through a tunnel', async () => {
    const proxy = await httpProxy()
    const { port } = new URL(await serve(echoServer(), { tls: { cert, key }, host: 'localhost' }))
    const client = await connected({
      url: `https://localhost:${port}/mcp`,
      proxy: proxy.url,
      tls: { ca: cert },
    })
    expect((await client.callTool('plain')).data).toBe('plain')
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT localhost:${port}`]))
  })

  test('› this machine is reached through it as well', async () => {
    const proxy = await httpProxy()
    const url = await serve(echoServer())
    const client = await connected(url, { proxy: proxy.url })
    expect((await client.callTool('plain')).data).toBe('plain')
    expect(proxy.asked).toContain(`POST ${url}`)
  })

  test('› its credentials are sent to it alone, and shown nowhere', async () => {
    const proxy = await httpProxy()
    const { url } = await behindName()
    const withCredentials = proxy.url.replace('//', '//user:secret@')
    const gateway = FastMCP.asProxy({ url, proxy: withCredentials }, { name: 'gateway' })
    const client = await connected(await serve(gateway))
    expect((await client.callTool('plain')).data).toBe('plain')
    expect(new Set(proxy.authorizations)).toEqual(new Set([`Basic ${btoa('user:secret')}`]))
    expect(JSON.stringify(gateway.status())).not.toContain('secret')
  })

  test('› that cannot be reached fails the call, which was not run', async () => {
    const { url } = await behindName()
    const client = connected({ url, proxy: 'http://127.0.0.1:1' })
    await expect(client).rejects.toMatchObject({ name: 'ConnectionError', outcome: 'not begun' })
  })
})

describe('proxy: true', () => {
  test('› takes the proxies that the environment names', async () => {
    const proxy = await httpProxy()
    environment({ HTTP_PROXY: proxy.url })
    const { url } = await behindName()
    const client = await connected({ url, proxy: true })
    expect((await client.callTool('plain')).data).toBe('plain')
    expect(proxy.asked).toContain(`POST ${url}`)
  })

  test('› this machine, and what NO_PROXY names, are reached directly', async () => {
    const proxy = await httpProxy()
    environment({ HTTP_PROXY: proxy.url, NO_PROXY: 'upstream.test' })
    const client = await connected(await serve(echoServer()), { proxy: true })
    expect((await client.callTool('plain')).data).toBe('plain')
    const { url } = await behindName()
    await expect(connected({ url, proxy: true })).rejects.toMatchObject({ outcome: 'not begun' })
    expect(proxy.asked).toEqual([])
  })
})

test('NODE_USE_ENV_PROXY=1 › takes them without the option, and proxy: false does not', async () => {
  const proxy = await httpProxy()
  environment({ HTTP_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' })
  const { url } = await behindName()
  const client = await connected(url)
  expect((await client.callTool('plain')).data).toBe('plain')
  expect(proxy.asked).toContain(`POST ${url}`)
  await expect(connected({ url, proxy: false })).rejects.toMatchObject({ outcome: 'not begun' })
})

test('without either › the environment names no proxy', async () => {
  const proxy = await httpProxy()
  environment({ HTTP_PROXY: proxy.url })
  const { url } = await behindName()
  await expect(connected(url)).rejects.toMatchObject({ outcome: 'not begun' })
  expect(proxy.asked).toEqual([])
})

test('a process with a proxy › ends by itself, and prints nothing on stderr', async () => {
  const proxy = await httpProxy()
  const { url } = await behindName()
  const script = `
    import { Client } from 'fastmesh'
    const client = await Client.connect(${JSON.stringify(url)}, { proxy: ${JSON.stringify(proxy.url)} })
    console.log((await client.callTool('plain')).data)
    await client.close()`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: new URL('../..', import.meta.url).pathname,
  })
  expect(stdout.trim()).toBe('plain')
  expect(stderr).toBe('')
})
