import type {
  CallToolResult as OfficialCallToolResult,
  ContentBlock as OfficialContentBlock,
  CreateMessageResult as OfficialCreateMessageResult,
  ElicitResult as OfficialElicitResult,
  GetPromptResult as OfficialGetPromptResult,
  Prompt as OfficialPrompt,
  ReadResourceResult as OfficialReadResourceResult,
  Resource as OfficialResource,
  ResourceTemplateType as OfficialResourceTemplate,
  Root as OfficialRoot,
  Tool as OfficialTool,
} from '@modelcontextprotocol/client'
import { type } from 'arktype'
import {
  FastMCP,
  inputRequired,
  type CallToolResult,
  type ClientSession,
  type ContentBlock,
  type Context,
  type CreateMessageResult,
  type DisconnectReason,
  type ElicitResult,
  type GetPromptResult,
  type HttpServing,
  type InputRequired,
  type InputResponses,
  type NodeHandler,
  type PromptDefinition,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateDefinition,
  type Root,
  type Sampled,
  type Serving,
  type ToolConfig,
  type ToolDefinition,
} from 'fastmesh'
import type { Hono } from 'hono'
import * as v from 'valibot'
import { describe, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

type Open<T> = { [K in keyof T]: T[K] }

const server = new FastMCP({ name: 'types', version: '1.0.0' })

describe('what execute is given', () => {
  test('the parsed parameters, defaults applied', () => {
    server.addTool({
      name: 'zod',
      parameters: z.object({ days: z.number().default(3), city: z.string().optional() }),
      execute: (args, context) => {
        expectTypeOf(args).toEqualTypeOf<{ days: number; city?: string | undefined }>()
        expectTypeOf(context).toEqualTypeOf<Context>()
        return ''
      },
    })
    server.addTool({
      name: 'valibot',
      parameters: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ n: number }>()
      },
    })
    server.addTool({
      name: 'arktype',
      parameters: type({ n: 'number' }),
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ n: number }>()
      },
    })
  })

  test('any members without parameters, or with plain JSON Schema', () => {
    server.addTool({
      name: 'none',
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>()
      },
    })
    server.addTool({
      name: 'json',
      parameters: { type: 'object', properties: { a: { type: 'number' } } },
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>()
      },
    })
  })

  test('any members, in a list of tools written on the spot; its own, where it was typed before', () => {
    const one: ToolConfig<'one', z.ZodObject<{ a: z.ZodNumber }>> = {
      name: 'one',
      parameters: z.object({ a: z.number() }),
      execute: ({ a }) => a,
    }
    server.addTools([
      one,
      {
        name: 'two',
        parameters: z.object({ b: z.string() }),
        execute: (args) => {
          expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>()
        },
      },
    ])
  })
})

test('what execute returns must fit its outputSchema', () => {
  const outputSchema = z.object({ id: z.number() })
  server.addTool({ name: 'data', outputSchema, execute: () => ({ id: 1 }) })
  server.addTool({ name: 'later', outputSchema, execute: async () => ({ id: 1 }) })
  server.addTool({
    name: 'whole',
    outputSchema,
    execute: () => ({ content: 'told', structuredContent: { id: 1 } }),
  })
  // @ts-expect-error -- the id is not a number
  server.addTool({ name: 'wrong', outputSchema, execute: () => ({ id: 'one' }) })
  // @ts-expect-error -- there is no id
  server.addTool({ name: 'missing', outputSchema, execute: async () => ({ structuredContent: {} }) })
})

test('what was added is known by its name', () => {
  const app = new FastMCP({ name: 'types', version: '1.0.0' })
    .addTool({
      name: 'add',
      parameters: z.object({ a: z.number(), b: z.number().default(1) }),
      outputSchema: z.object({ sum: z.number() }),
      execute: ({ a, b }) => ({ sum: a + b }),
    })
    .addResource({ uri: 'data://cities', name: 'Cities', load: () => [] })
    .addTool({ name: 'hello', execute: () => 'hello' })
    .addPrompt({
      name: 'review',
      arguments: [
        { name: 'code', required: true },
        { name: 'language' },
        { name: 'tone', enum: ['kind', 'dry'] },
      ],
      load: ({ code, language, tone }) => {
        expectTypeOf(code).toEqualTypeOf<string>()
        expectTypeOf(language).toEqualTypeOf<string | undefined>()
        expectTypeOf(tone).toEqualTypeOf<'kind' | 'dry' | undefined>()
        return code
      },
    })
  type Offers = (typeof app)['~offers']
  expectTypeOf(app).toHaveProperty('start')
  expectTypeOf<keyof Offers['tools']>().toEqualTypeOf<'add' | 'hello'>()
  expectTypeOf<Offers['tools']['add']['input']>().toEqualTypeOf<{ a: number; b?: number | undefined }>()
  expectTypeOf<Offers['tools']['add']['output']>().toEqualTypeOf<{ sum: number }>()
  expectTypeOf<keyof Offers['prompts']>().toEqualTypeOf<'review'>()
})

test('the values of a template are known by the names in it', () => {
  server.addResourceTemplate({
    uriTemplate: 'weather://{city}/days{?from,to}',
    name: 'Weather',
    load: (args) => {
      expectTypeOf(args).branded.toEqualTypeOf<{ city: string; from?: string; to?: string }>()
    },
  })
  server.addResourceTemplate({
    uriTemplate: ['users://name/{name}', 'users://email/{email}'],
    name: 'User',
    load: ({ name, email }) => {
      expectTypeOf(name).toEqualTypeOf<string | undefined>()
      if (name === undefined) expectTypeOf(email).toEqualTypeOf<string>()
      else expectTypeOf(email).toEqualTypeOf<undefined>()
    },
  })
  server.addResourceTemplate({
    uriTemplate: 'files://{path*}',
    name: 'File',
    load: (args) => {
      expectTypeOf(args).branded.toEqualTypeOf<{ path: string }>()
    },
  })
})

test('the session of a context is what the server says it is', () => {
  const secure = new FastMCP<{ id: string }>({ name: 'secure', version: '1.0.0' })
  secure.addTool({
    name: 'who',
    execute: (_args, { session }) => {
      expectTypeOf(session).toEqualTypeOf<{ id: string }>()
    },
  })
})

test('what a user answered is known by the schema of the question, once it was accepted', () => {
  server.addTool({
    name: 'delete',
    execute: async (_args, context) => {
      const form = await context.elicit({ message: 'Sure?', schema: z.object({ sure: z.boolean() }) })
      expectTypeOf(form.action).toEqualTypeOf<'accept' | 'decline' | 'cancel'>()
      if (form.action === 'accept') expectTypeOf(form.content).toEqualTypeOf<{ sure: boolean }>()
      // @ts-expect-error -- nothing is known of the content of an answer that may be a refusal
      String(form.content.sure)
      const page = await context.elicit({ message: 'Sign in', url: 'https://example.com/sign-in' })
      expectTypeOf(page.content).toEqualTypeOf<undefined>()
      // @ts-expect-error -- a question is a form or a page
      await context.elicit({ message: 'Sure?' })
      expectTypeOf(await context.sample({ messages: [], maxTokens: 1 })).toEqualTypeOf<Sampled>()
      expectTypeOf(await context.listRoots()).toEqualTypeOf<readonly Root[]>()
      expectTypeOf(await context.once('key', () => 1)).toEqualTypeOf<number>()
    },
  })
})

test('a tool that owes data may ask instead', () => {
  const outputSchema = z.object({ id: z.number() })
  server.addTool({
    name: 'asks',
    outputSchema,
    execute: (_args, { inputResponses }) => {
      expectTypeOf(inputResponses).toEqualTypeOf<InputResponses | undefined>()
      if (inputResponses !== undefined) return { id: 1 }
      return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } })
    },
  })
})

test('what was mounted or imported is known by its name under the prefix', async () => {
  const child = new FastMCP({ name: 'child', version: '1.0.0' })
    .addTool({ name: 'add', parameters: z.object({ a: z.number() }), execute: ({ a }) => a })
    .addPrompt({ name: 'ask', arguments: [{ name: 'city', required: true }], load: ({ city }) => city })
  const outer = new FastMCP({ name: 'outer', version: '1.0.0' }).mount('inner', child)
  const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount('outer', outer).mount(child)
  type Offers = (typeof main)['~offers']
  expectTypeOf<keyof Offers['tools']>().toEqualTypeOf<'outer_inner_add' | 'add'>()
  expectTypeOf<Offers['tools']['outer_inner_add']['input']>().toEqualTypeOf<{ a: number }>()
  expectTypeOf<keyof Offers['prompts']>().toEqualTypeOf<'outer_inner_ask' | 'ask'>()
  const copied = await new FastMCP({ name: 'copy', version: '1.0.0' }).importServer('c', child)
  expectTypeOf(copied['~offers'].tools).toHaveProperty('c_add')
  // @ts-expect-error -- only a server can be mounted
  main.mount('x', 'y')
})

test('middleware of one kind has the types of that kind', () => {
  server.use('tool', async ({ params, definition }, next) => {
    expectTypeOf(params).toEqualTypeOf<Record<string, unknown>>()
    expectTypeOf(definition).toEqualTypeOf<ToolDefinition>()
    expectTypeOf(await next()).toEqualTypeOf<CallToolResult | InputRequired>()
    return { content: [] }
  })
  server.use('prompt', ({ params }, next) => {
    expectTypeOf(params).toEqualTypeOf<Record<string, string>>()
    return next()
  })
  server.use((run, next) => {
    if (run.kind === 'resource') expectTypeOf(run.definition).toEqualTypeOf<Resource>()
    return next()
  })
  // @ts-expect-error -- this is no result of a prompt
  server.use('prompt', () => ({ content: [] }))
})

test('events tell of sessions', () => {
  server.on('connect', ({ session }) => {
    expectTypeOf(session).toEqualTypeOf<ClientSession>()
    session.on('rootsChanged', ({ roots }) => expectTypeOf(roots).toEqualTypeOf<readonly Root[]>())
  })
  server.on('disconnect', ({ reason }) => expectTypeOf(reason).toEqualTypeOf<DisconnectReason>())
  // @ts-expect-error -- there is no such event
  server.on('connected', () => undefined)
})

test('a server fits into applications of every kind', () => {
  expectTypeOf(server.httpApp()).toEqualTypeOf<Hono>()
  expectTypeOf(server.nodeHandler()).toEqualTypeOf<NodeHandler>()
  expectTypeOf<{ fetch: typeof server.fetch }>().toExtend<{
    fetch: (request: Request) => Promise<Response>
  }>()
})

test('start tells where, if there is a where', () => {
  expectTypeOf(server.start({ httpStream: { port: 0 } })).resolves.toEqualTypeOf<HttpServing>()
  expectTypeOf(server.start({ transportType: 'httpStream' })).resolves.toEqualTypeOf<HttpServing>()
  expectTypeOf(server.start()).resolves.toEqualTypeOf<Serving>()
})

test('our wire types are what the official package says', () => {
  expectTypeOf<ToolDefinition>().toExtend<OfficialTool>()
  expectTypeOf<Resource>().toExtend<OfficialResource>()
  expectTypeOf<ResourceTemplateDefinition>().toExtend<OfficialResourceTemplate>()
  expectTypeOf<PromptDefinition>().toExtend<OfficialPrompt>()
  expectTypeOf<ContentBlock>().toExtend<OfficialContentBlock>()
  // Results are open in the official package: as mapped types, ours may be extended too.
  expectTypeOf<Open<CallToolResult>>().toExtend<OfficialCallToolResult>()
  expectTypeOf<Open<ReadResourceResult>>().toExtend<OfficialReadResourceResult>()
  expectTypeOf<Open<GetPromptResult>>().toExtend<OfficialGetPromptResult>()
  expectTypeOf<OfficialElicitResult>().toExtend<ElicitResult>()
  expectTypeOf<OfficialCreateMessageResult>().toExtend<CreateMessageResult>()
  expectTypeOf<OfficialRoot>().toExtend<Root>()
})

describe('who asks', () => {
  interface User {
    id: string
  }
  const secured = new FastMCP<User>({
    name: 'types',
    version: '1.0.0',
    authenticate: ({ headers }) => ({ id: headers['x-api-key'] ?? headers.get('x-other') ?? '' }),
    principal: ({ id }) => id,
  })

  test('is what authenticate gives, in every handler', () => {
    secured
      .addTool({
        name: 'tool',
        canAccess: ({ id }) => id === 'ann',
        execute: (_args, { session }) => {
          expectTypeOf(session).toEqualTypeOf<User>()
          return session.id
        },
      })
      .addPrompt({
        name: 'prompt',
        canAccess: ({ id }) => id !== '',
        load: (_args, { session }) => session.id,
      })
      .addResource({ uri: 'a://b', name: 'resource', load: ({ session }) => session.id })
      .use(({ context }, next) => {
        expectTypeOf(context.session).toEqualTypeOf<User>()
        return next()
      })
    // @ts-expect-error -- a User has no such member
    secured.addTool({ name: 'other', canAccess: ({ name }) => name === '', execute: () => '' })
  })

  test('is known without being said', () => {
    const inferred = new FastMCP({ name: 'n', version: '1', authenticate: () => ({ role: 'admin' }) })
    inferred.addTool({ name: 'tool', execute: (_args, { session }) => session.role })
    // @ts-expect-error -- not a User
    new FastMCP<User>({ name: 'n', version: '1', authenticate: () => ({ role: 'admin' }) })
  })

  test('a server can be mounted by one that knows more', () => {
    new FastMCP<User & { more: string }>({ name: 'n', version: '1' }).mount('in', secured)
  })
})
