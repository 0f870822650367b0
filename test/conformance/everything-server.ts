/**
 * A server that offers all that the official conformance suite asks for, on `PORT`
 * (3000 unless told otherwise), with `/health` beside `/mcp`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { audio, embedded, FastMCP, image } from 'fastmesh'
import { z } from 'zod'
import { addAsking } from './asking.js'
import { jsonSchema2020Tool, PIXEL, SILENCE } from './fixtures.js'

const server = new FastMCP({
  name: 'fastmesh-everything',
  version: '1.0.0',
  maskErrorDetails: false,
  cache: { ttlMs: 1000, scope: 'public' },
})

server
  .addTool({
    name: 'test_simple_text',
    description: 'Answers with text',
    execute: () => 'This is a simple text response for testing.',
  })
  .addTool({
    name: 'test_image_content',
    description: 'Answers with a picture',
    execute: () => image({ buffer: PIXEL }),
  })
  .addTool({
    name: 'test_audio_content',
    description: 'Answers with a sound',
    execute: () => audio({ buffer: SILENCE, mimeType: 'audio/wav' }),
  })
  .addTool({
    name: 'test_embedded_resource',
    description: 'Answers with a resource',
    execute: () =>
      embedded({
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      }),
  })
  .addTool({
    name: 'test_multiple_content_types',
    description: 'Answers with text, a picture and a resource',
    execute: async () => [
      { type: 'text', text: 'Multiple content types test:' },
      await image({ buffer: PIXEL }),
      embedded({
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      }),
    ],
  })
  .addTool({
    name: 'test_tool_with_logging',
    description: 'Logs while it runs',
    execute: async (_args, { log }) => {
      log.info('Tool execution started')
      await delay(50)
      log.info('Tool processing data')
      await delay(50)
      log.info('Tool execution completed')
      return 'Logged'
    },
  })
  .addTool({
    name: 'test_logging_tool',
    description: 'Logs at several levels',
    execute: (_args, { log }) => {
      log.debug('Details')
      log.info('Something happened')
      log.error('Something went wrong')
      return 'Logged'
    },
  })
  .addTool({
    name: 'test_error_handling',
    description: 'Fails',
    execute: () => {
      throw new Error('This tool intentionally returns an error for testing')
    },
  })
  .addTool({
    name: 'test_tool_with_progress',
    description: 'Reports progress',
    execute: async (_args, { reportProgress }) => {
      for (const progress of [0, 50, 100]) {
        await reportProgress({ progress, total: 100 })
        await delay(50)
      }
      return 'Done'
    },
  })
  .addTool({
    name: 'json_schema_2020_12_tool',
    description: 'Has a JSON Schema with all that 2020-12 brings',
    parameters: jsonSchema2020Tool,
    execute: (args) => JSON.stringify(args),
  })
  .addTool({
    name: 'test_x_mcp_header',
    description: 'Has arguments that HTTP headers repeat',
    parameters: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        level: { type: 'integer', 'x-mcp-header': 'Level' },
      },
    },
    execute: (args) => `Routed by ${JSON.stringify(args)}`,
  })
  .addTool({
    name: 'test_missing_capability',
    description: 'Needs a client that samples',
    execute: async (_args, { sample }) => (await sample({ messages: 'Hello' })).text,
  })
  .addTool({
    name: 'test_streaming_elicitation',
    description: 'Answers on a stream that carries nothing but what belongs to the request',
    execute: async (_args, { streamContent }) => {
      await streamContent('Nothing was asked')
    },
  })
  .addTool({
    name: 'test_trigger_tool_change',
    description: 'Changes the list of tools',
    execute: () => {
      server.addTool({ name: 'appeared', description: 'Comes and goes', execute: () => 'Here' })
      server.removeTool('appeared')
      return 'The list of tools has changed'
    },
  })
  .addTool({
    name: 'test_trigger_prompt_change',
    description: 'Changes the list of prompts',
    execute: () => {
      server.addPrompt({ name: 'appeared', description: 'Comes and goes', load: () => 'Here' })
      server.removePrompt('appeared')
      return 'The list of prompts has changed'
    },
  })
  .addTool({
    name: 'add_numbers',
    description: 'Adds two numbers',
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: ({ a, b }) => a + b,
  })

server
  .addResource({
    uri: 'test://static-text',
    name: 'Static text',
    description: 'Text that stays as it is',
    mimeType: 'text/plain',
    load: () => 'This is the content of the static text resource.',
  })
  .addResource({
    uri: 'test://static-binary',
    name: 'Static binary',
    description: 'A picture',
    mimeType: 'image/png',
    load: () => PIXEL,
  })
  .addResource({
    uri: 'test://watched-resource',
    name: 'Watched resource',
    description: 'Something to subscribe to',
    mimeType: 'text/plain',
    load: () => 'Watch me',
  })
  .addResourceTemplate({
    uriTemplate: 'test://template/{id}/data',
    name: 'Template',
    description: 'Data for an id',
    mimeType: 'application/json',
    load: ({ id }) => ({ id, templateTest: true, data: `Data for ID: ${id}` }),
  })

server
  .addPrompt({
    name: 'test_simple_prompt',
    description: 'Takes nothing',
    load: () => 'This is a simple prompt for testing.',
  })
  .addPrompt({
    name: 'test_prompt_with_arguments',
    description: 'Takes two arguments',
    arguments: [
      { name: 'arg1', description: 'The first', required: true, complete: () => ['test', 'testing'] },
      { name: 'arg2', description: 'The second', required: true },
    ],
    load: ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  })
  .addPrompt({
    name: 'test_prompt_with_embedded_resource',
    description: 'Has a resource in it',
    arguments: [{ name: 'resourceUri', description: 'Which', required: true }],
    load: ({ resourceUri }) => [
      embedded({
        uri: resourceUri,
        mimeType: 'text/plain',
        text: 'Embedded resource content for testing.',
      }),
      { role: 'user', content: 'Please process the embedded resource above.' },
    ],
  })
  .addPrompt({
    name: 'test_prompt_with_image',
    description: 'Has a picture in it',
    load: async () => [
      await image({ buffer: PIXEL }),
      { role: 'user', content: 'Please analyze the image above.' },
    ],
  })

addAsking(server)

const { url } = await server.start({ httpStream: { port: Number(process.env['PORT'] ?? 3000) } })
console.error(`Everything is at ${url}`)
