/** A server that uses everything there is, for whatever is to pass on everything. Run as a file, it serves stdio. */
import { appendFileSync, existsSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { embedded, FastMCP, image, ProtocolError, resourceLink, UserError } from 'fastmesh'
import { z } from 'zod'

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const ICONS = [{ src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'] }]
const SCHEMA = z.object({ name: z.string().describe('Your name'), age: z.number().default(7) })

/** How many calls were cancelled: in the file that `CANCELLED_FILE` names, if it does, since a cancelled call may end its process. */
function cancelledCount(): { add: () => void; get: () => number } {
  const { CANCELLED_FILE: file } = process.env
  let count = 0
  if (file === undefined) return { add: () => (count += 1), get: () => count }
  return {
    add: () => {
      appendFileSync(file, 'x')
    },
    get: () => (existsSync(file) ? statSync(file).size : 0),
  }
}

export function featured(): FastMCP<unknown, object, object> {
  const server = new FastMCP({
    name: 'featured',
    version: '1.0.0',
    instructions: 'Use it all',
    // A question in the middle of a test is one that a tool asks.
    roots: { enabled: false },
    listPageSize: 7,
  })
  const cancelled = cancelledCount()
  let touched = 0
  addPlain(server)
  addAsking(server)
  return server
    .addTool({
      name: 'wait',
      execute: async (_args, { signal, reportProgress }) => {
        await reportProgress({ progress: 1, message: 'waiting' })
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        cancelled.add()
      },
    })
    .addTool({ name: 'cancelled', execute: () => String(cancelled.get()) })
    .addTool({
      name: 'toggle',
      execute: () => {
        if (!server.removeTool('toggled')) server.addTool({ name: 'toggled', execute: () => 'on' })
      },
    })
    .addResource({ uri: 'data://touched', name: 'touched', load: () => String(touched) })
    .addTool({
      name: 'touch',
      execute: (_args, { notifyResourceUpdated }) => {
        touched += 1
        notifyResourceUpdated('data://touched')
      },
    })
    .addTool({
      name: 'count',
      execute: (_args, { state }) => {
        const count = Number(state.get('count') ?? 0) + 1
        state.set('count', count)
        return String(count)
      },
    })
}

function addPlain(server: FastMCP): void {
  server
    .addTool({
      name: 'described',
      title: 'All that can be said',
      description: 'Everything a definition may hold',
      parameters: z.object({ a: z.number().describe('One'), b: z.enum(['x', 'y']).optional() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { title: 'Annotated', readOnlyHint: true, idempotentHint: true },
      icons: ICONS,
      meta: { 'example.com/kept': { deep: [1] } },
      execute: ({ a }) => ({ sum: a + 1 }),
    })
    .addTool({
      name: 'whole',
      execute: async () => ({
        content: [
          {
            type: 'text' as const,
            text: 'text',
            annotations: { audience: ['user' as const], priority: 0.5 },
          },
          await image({ buffer: PIXEL }),
          embedded({ uri: 'data://text', mimeType: 'text/plain', text: 'within' }),
          resourceLink({ uri: 'data://linked', name: 'linked', description: 'not in any list' }),
        ],
        structuredContent: { any: ['thing', null, 1.5] },
        _meta: { 'example.com/result': true },
      }),
    })
    .addTool({
      name: 'fails',
      execute: () => {
        throw new UserError('It failed', { because: 'of this' })
      },
    })
    .addTool({
      name: 'refuses',
      execute: () => {
        throw new ProtocolError(-32042, 'Not so', { data: [1, 2] })
      },
    })
    .addTool({
      name: 'crashes',
      execute: () => {
        throw new Error('a secret')
      },
    })
    .addTool({
      name: 'progresses',
      execute: async (_args, { reportProgress }) => {
        for (const progress of [1, 2, 3]) {
          await reportProgress({ progress, total: 3, message: `step ${progress}` })
          // The official clients lose reports that come in one piece with the answer.
          await delay(20)
        }
        return 'done'
      },
    })
    .addTool({
      name: 'logs',
      execute: (_args, { log }) => {
        log.debug('debug', { n: 1 })
        log.warn('warn', [2])
        return 'logged'
      },
    })
    .addTool({
      name: 'typed',
      parameters: z.object({ __proto__: z.string().optional(), n: z.number() }),
      execute: ({ n }) => n * 2,
    })
    .addTool({ name: 'constructor', execute: () => 'named as what all objects have' })
    .addResource({
      uri: 'data://text',
      name: 'text',
      title: 'A text',
      description: 'Described',
      mimeType: 'text/plain',
      size: 4,
      annotations: { audience: ['assistant'], priority: 1, lastModified: '2026-01-01T00:00:00Z' },
      icons: ICONS,
      meta: { 'example.com/kept': 1 },
      load: () => 'text',
    })
    .addResource({ uri: 'data://bytes', name: 'bytes', mimeType: 'image/png', load: () => PIXEL })
    .addResource({
      uri: 'urn:isbn:0',
      name: 'parts',
      load: () => [
        { uri: 'data://part/1', text: 'one', meta: { n: 1 } },
        { uri: 'data://part/2', blob: PIXEL, mimeType: 'image/png' },
      ],
    })
    .addResource({ uri: 'data://gone', name: 'gone', load: () => undefined })
    .addResourceTemplate({
      uriTemplate: 'data://item/{id}{?size}',
      name: 'item',
      description: 'Any item',
      mimeType: 'application/json',
      arguments: [{ name: 'id', complete: (value) => [`${value}1`, `${value}2`] }],
      load: ({ id, size }) => JSON.stringify({ id, size }),
    })
    .addPrompt({
      name: 'greet',
      title: 'A greeting',
      description: 'Greets',
      icons: ICONS,
      arguments: [
        { name: 'who', description: 'Whom', required: true, enum: ['Ann', 'Anton', 'Bob'] },
        {
          name: 'how',
          complete: (value, { arguments: { who } }) => ({
            values: [`${value} ${String(who)}`],
            total: 9,
            hasMore: true,
          }),
        },
      ],
      load: ({ who }) => ({
        description: 'Said so',
        messages: [
          { role: 'user', content: `Hello ${who}` },
          { role: 'assistant', content: embedded({ uri: 'data://text', text: 'x' }) },
        ],
        meta: { 'example.com/prompt': 1 },
      }),
    })
}

function addAsking(server: FastMCP): void {
  server
    .addTool({
      name: 'asks',
      execute: async (_args, { elicit }) => JSON.stringify(await elicit({ message: 'Who?', schema: SCHEMA })),
    })
    .addTool({
      name: 'asks-often',
      execute: async (_args, { elicit, once }) => {
        const schema = z.object({ x: z.string() })
        const id = await once('id', () => 'once')
        const [a, b] = await Promise.all([elicit({ message: 'A', schema }), elicit({ message: 'B', schema })])
        const c = await elicit({ message: 'C', schema })
        return JSON.stringify([id, a, b, c])
      },
    })
    .addTool({
      name: 'shows',
      execute: async (_args, { elicit }) =>
        JSON.stringify(await elicit({ message: 'Open', url: 'https://example.com/x' })),
    })
    .addTool({
      name: 'samples',
      execute: async (_args, { sample }) => {
        const sampled = await sample({
          messages: [{ role: 'user', content: { type: 'text', text: 'Say' } }],
          maxTokens: 7,
          systemPrompt: 'Be brief',
          temperature: 0.5,
          stopSequences: ['.'],
          modelPreferences: { hints: [{ name: 'best' }], costPriority: 0.1 },
          metadata: { kept: true },
        })
        return JSON.stringify(sampled)
      },
    })
    .addTool({ name: 'roots', execute: async (_args, { listRoots }) => JSON.stringify(await listRoots()) })
    .addResource({
      uri: 'data://asked',
      name: 'asked',
      load: async ({ elicit }) =>
        JSON.stringify(await elicit({ message: 'For the resource?', schema: SCHEMA })),
    })
    .addPrompt({
      name: 'asked',
      load: async (_args, { elicit }) =>
        JSON.stringify(await elicit({ message: 'For the prompt?', schema: SCHEMA })),
    })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await featured().start()
