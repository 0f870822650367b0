/** Upstreams that mean no harm, with the same tools: of this package, and of the official SDK. */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  ElicitResultSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { foreignIn, ownerOf, pathToTag } from './tags.mjs'

const FORM = { type: 'object', properties: { answer: { type: 'string' } } }
const PARAMETERS = { type: 'object', properties: { tag: { type: 'string' } } }

function checkWith(observer, tag, where, value) {
  const foreign = foreignIn(ownerOf(tag), value)
  if (foreign !== undefined) observer.foreign(tag, `the upstream got as ${where}: ${foreign}`)
  return value
}

/** A server of this package. */
export function meshUpstream({ FastMCP }, options, observer) {
  const server = new FastMCP({ name: 'tame', version: '1.0.0', ...options })
  const add = (name, run) =>
    server.addTool({
      name,
      parameters: PARAMETERS,
      execute: async (args, context) => {
        checkWith(observer, args.tag, 'header', context.headers?.['x-tag'])
        await delay(args.ms)
        return JSON.stringify({ tag: args.tag, ...(await run(args, context)) })
      },
    })
  add('echo', () => ({}))
  add('chat', async ({ tag, steps = 2, pause = 3 }, { log, reportProgress }) => {
    for (let step = 1; step <= steps; step++) {
      log.info(`${tag} step ${step}`)
      await reportProgress({ progress: step, message: tag })
      await delay(pause)
    }
  })
  add('ask', async ({ tag }, { elicit }) => ({
    answer: checkWith(observer, tag, 'answer', await elicit({ message: tag, schema: FORM })),
  }))
  add('roots', async ({ tag }, { listRoots }) => ({
    answer: checkWith(observer, tag, 'roots', { roots: await listRoots() }),
  }))
  add('headers', (_args, { headers }) => ({ header: headers?.['x-tag'] }))
  return server
    .addPrompt({
      name: 'say',
      arguments: [{ name: 'tag', complete: (value) => [value, `${value} again`] }],
      load: ({ tag }) => tag,
    })
    .addResourceTemplate({
      uriTemplate: 'iso://item/{id}',
      name: 'item',
      load: ({ id }) => pathToTag(id),
    })
}

/** A server of the official SDK over streamable HTTP, with sessions. */
export async function startSdkUpstream(observer) {
  const sessions = new Map()
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const message = body === '' ? undefined : JSON.parse(body)
    const known = sessions.get(request.headers['mcp-session-id'])
    if (known !== undefined) await known.handleRequest(request, response, message)
    else if (message?.method === 'initialize')
      await (await openSession(sessions, observer)).handleRequest(request, response, message)
    else if (request.headers['mcp-session-id'] === undefined) response.writeHead(400).end()
    else response.writeHead(404).end()
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${http.address().port}/mcp`,
    stop: async () => {
      const closed = new Promise((resolve) => http.close(resolve))
      for (const transport of [...sessions.values()]) await transport.close()
      http.closeAllConnections()
      await closed
    },
  }
}

async function openSession(sessions, observer) {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  })
  const server = new Server({ name: 'sdk', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(SDK_TOOLS).map((name) => ({ name, inputSchema: PARAMETERS })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name, arguments: args, _meta } = params
    checkWith(observer, args.tag, 'header', extra.requestInfo?.headers['x-tag'])
    await delay(args.ms)
    const facts = await SDK_TOOLS[name](args, extra, _meta?.progressToken)
    checkWith(observer, args.tag, 'answer', facts.answer)
    return { content: [{ type: 'text', text: JSON.stringify({ tag: args.tag, ...facts }) }] }
  })
  await server.connect(transport)
  return transport
}

const SDK_TOOLS = {
  echo: () => ({}),
  chat: async ({ tag, steps = 2, pause = 3 }, { sendNotification }, progressToken) => {
    for (let step = 1; step <= steps; step++) {
      const data = `${tag} step ${step}`
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
      if (progressToken !== undefined)
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress: step, message: tag },
        })
      await delay(pause)
    }
    return {}
  },
  ask: async ({ tag }, { sendRequest }) => {
    const params = { message: tag, requestedSchema: FORM }
    return { answer: await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema) }
  },
  roots: async (_args, { sendRequest }) => ({
    answer: await sendRequest({ method: 'roots/list' }, ListRootsResultSchema),
  }),
  headers: (_args, { requestInfo }) => ({ header: requestInfo?.headers['x-tag'] }),
}
