/** The clients of the callers: both official ones and our own, behind one face. */
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** How long an answer is waited for where nothing is to be called off, in milliseconds. */
export const PATIENCE_MS = 150_000

const CAPABILITIES = { elicitation: { form: {} }, roots: {} }
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel'

/**
 * Connects a client. `who`: `kind`, `era`, `name`, `headers`, and `hearsLog`; `hears` is given what it is told, and
 * `answers` what it is asked. Gives `callTool`, `readResource`, `getPrompt`, `complete` and `close`.
 */
export function connectClient(who, url, { Client }) {
  if (who.kind === 'own') return connectOwn(who, url, Client)
  return who.kind === 'v1' ? connectV1(who, url) : connectV2(who, url)
}

async function connectOwn({ era, name, headers, hears, answers, hearsLog }, url, Client) {
  const client = new Client(
    { url, headers },
    {
      era,
      name,
      timeoutMs: PATIENCE_MS,
      connectTimeoutMs: PATIENCE_MS,
      onLog: (message) => hears('a log message', message),
      elicitation: (request) => answers.elicit(request),
      roots: () => answers.roots(),
    },
  )
  await client.connect()
  if (hearsLog) await client.setLoggingLevel('debug')
  const optionsOf = ({ signal, timeoutMs = PATIENCE_MS, onProgress }) => ({ signal, timeoutMs, onProgress })
  return {
    callTool: (tool, args, options) =>
      client.callTool(tool, args, { ...optionsOf(options), throwOnError: false }),
    readResource: async (uri, options) => (await client.readResource(uri, optionsOf(options))).contents,
    getPrompt: (prompt, args, options) => client.getPrompt(prompt, args, optionsOf(options)),
    complete: (ref, argument, options) => client.complete({ ref, argument }, optionsOf(options)),
    close: () => client.close(),
  }
}

function facesOfOfficial(client, callTool, meta = {}) {
  const optionsOf = ({ signal, timeoutMs: timeout = PATIENCE_MS, onProgress: onprogress }) => ({
    signal,
    timeout,
    ...(onprogress !== undefined && { onprogress }),
  })
  return {
    callTool: (name, args, options) => callTool({ name, arguments: args, ...meta }, optionsOf(options)),
    readResource: async (uri, options) =>
      (await client.readResource({ uri, ...meta }, optionsOf(options))).contents,
    getPrompt: (name, args, options) =>
      client.getPrompt({ name, arguments: args, ...meta }, optionsOf(options)),
    complete: async (ref, argument, options) =>
      (await client.complete({ ref, argument }, optionsOf(options))).completion,
  }
}

async function connectV1({ name, headers, hears, answers, hearsLog }, url) {
  const client = new ClientV1({ name, version: '1.0.0' }, { capabilities: CAPABILITIES })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answers.elicit(params))
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: answers.roots().map((uri) => ({ uri })) }))
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) =>
    hears('a log message', params),
  )
  client.onerror = () => undefined
  const transport = new HttpV1(new URL(url), { requestInit: { headers } })
  await client.connect(transport, { timeout: PATIENCE_MS })
  if (hearsLog) await client.setLoggingLevel('debug', { timeout: PATIENCE_MS })
  return {
    ...facesOfOfficial(client, (params, options) => client.callTool(params, undefined, options)),
    close: (isAbrupt) => closeOfficial(client, transport, isAbrupt),
  }
}

async function connectV2({ era, name, headers, hears, answers, hearsLog }, url) {
  const isOld = era === '2025-11-25'
  const client = new ClientV2(
    { name, version: '1.0.0' },
    { capabilities: CAPABILITIES, versionNegotiation: { mode: isOld ? 'legacy' : { pin: era } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => answers.elicit(params))
  client.setRequestHandler('roots/list', () => ({ roots: answers.roots().map((uri) => ({ uri })) }))
  client.setNotificationHandler('notifications/message', ({ params }) => hears('a log message', params))
  client.onerror = () => undefined
  const transport = new HttpV2(new URL(url), { requestInit: { headers } })
  await client.connect(transport, { timeout: PATIENCE_MS })
  if (hearsLog && isOld) await client.setLoggingLevel('debug', { timeout: PATIENCE_MS })
  const meta = hearsLog && !isOld ? { _meta: { [LOG_LEVEL]: 'debug' } } : {}
  return {
    ...facesOfOfficial(client, (params, options) => client.callTool(params, options), meta),
    close: (isAbrupt) => closeOfficial(client, transport, isAbrupt),
  }
}

/** Abruptly, a client does not end its session. */
async function closeOfficial(client, transport, isAbrupt) {
  if (!isAbrupt) await transport.terminateSession?.().catch(() => undefined)
  await client.close()
}
