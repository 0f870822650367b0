/** The servers, in the versions that the calls were written for. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Calls of a tool, a resource, a prompt. */
const tool = (name, args = {}, progress = false) => ({
  method: 'tools/call',
  params: { name, arguments: args },
  progress,
})
const read = (uri) => ({ method: 'resources/read', params: { uri } })
const prompt = (name, args = {}) => ({ method: 'prompts/get', params: { name, arguments: args } })
const complete = (ref, name, value, given) => ({
  method: 'completion/complete',
  params: {
    ref,
    argument: { name, value },
    ...(given !== undefined && { context: { arguments: given } }),
  },
})

const ADD = [tool('add', { a: 19, b: 23 }, true), tool('add', { a: 'x', b: 23 })]
const FAIL = tool('fail')
const ASK = tool('ask')

/** The requests to `server-everything`, over every transport. */
const everything = {
  folder: 'everything',
  packages: ['@modelcontextprotocol/server-everything@2026.8.31'],
  normalize: [
    [/\d{1,2}:\d\d:\d\d (?:AM|PM)/g, 'TIME'],
    [/"blob":"UmVzb3VyY2Ug[\w+/=]*"/g, '"blob":"RESOURCE AND TIME"'],
    [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'],
  ],
}

const everythingCalls = [
  { method: 'logging/setLevel', params: { level: 'debug' } },
  tool('echo', { message: 'hello' }),
  tool('get-sum', { a: 19, b: 23 }),
  tool('get-annotated-message', { messageType: 'error', includeImage: true }),
  tool('get-tiny-image'),
  tool('get-structured-content', { location: 'Chicago' }),
  tool('get-structured-content', { location: 'Nowhere' }),
  tool('get-resource-links', { count: 3 }),
  tool('get-resource-reference', { resourceType: 'Text', resourceId: 2 }),
  tool('get-roots-list'),
  tool('trigger-long-running-operation', { duration: 0.5, steps: 5 }, true),
  tool('trigger-sampling-request', { prompt: 'Say it', maxTokens: 12 }),
  tool('trigger-elicitation-request'),
  tool('trigger-url-elicitation', { url: 'https://example.com/there', elicitationId: 'one' }),
  tool('trigger-url-elicitation', { url: 'https://example.com/here', errorPath: true }),
  tool('gzip-file-as-resource', {
    name: 'a.gz',
    data: 'data:text/plain,hello',
    outputType: 'resourceLink',
  }),
  tool('gzip-file-as-resource', { name: 'b.gz', data: 'data:text/plain,hello', outputType: 'resource' }),
  read('demo://resource/dynamic/text/1'),
  read('demo://resource/dynamic/text/none'),
  read('demo://resource/dynamic/blob/7'),
  read('demo://resource/session/a.gz'),
  prompt('simple-prompt'),
  prompt('args-prompt', { city: 'London', state: 'Old' }),
  prompt('resource-prompt', { resourceType: 'Text', resourceId: '3' }),
  complete({ type: 'ref/prompt', name: 'completable-prompt' }, 'department', 'S'),
  complete({ type: 'ref/prompt', name: 'completable-prompt' }, 'name', 'D', { department: 'Sales' }),
  complete({ type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' }, 'resourceId', '12'),
  { method: 'resources/subscribe', params: { uri: 'demo://resource/dynamic/text/1' } },
  tool('toggle-subscriber-updates'),
  tool('toggle-subscriber-updates'),
  { method: 'resources/unsubscribe', params: { uri: 'demo://resource/dynamic/text/1' } },
]

const own = (name, packages, rest) => ({ name, folder: name, packages, own: `${name}.mjs`, ...rest })

/** A published server on stdio; `setup` gives what it needs to start, and calls beyond those that suit every server. */
const published = (folder, spec, setup, rest) => ({
  name: folder,
  folder,
  packages: [spec],
  ...(setup && { setup: typeof setup === 'function' ? setup : () => setup }),
  ...rest,
})

function notes(folder) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'note.txt'), 'one\ntwo\nthree\n')
  return folder
}

const REFERENCE = [
  {
    ...everything,
    name: 'everything',
    setup: () => ({ args: ['stdio'], calls: [tool('get-env'), ...everythingCalls] }),
  },
  {
    ...everything,
    name: 'everything over HTTP',
    transport: 'http',
    // The official client resumes a stream that has ended, and this server then sends the events of all streams again.
    replays: true,
    path: '/mcp',
    setup: () => ({ args: ['streamableHttp'], calls: everythingCalls }),
  },
  {
    ...everything,
    name: 'everything over SSE',
    transport: 'sse',
    path: '/sse',
    setup: () => ({ args: ['sse'], calls: everythingCalls }),
  },
  {
    ...everything,
    name: 'everything without roots',
    setup: () => ({ roots: false, calls: [tool('echo', { message: 'hello' }), tool('get-roots-list')] }),
  },
  published(
    'filesystem',
    '@modelcontextprotocol/server-filesystem@2026.8.31',
    ({ work }) => ({
      args: [notes(join(work, 'given'))],
      roots: false,
      calls: fileCalls(join(work, 'given'), join(work, 'root')),
    }),
    { normalize: [[/(created|modified|accessed): [^\\]*/g, '$1: TIME']] },
  ),
  {
    ...published('filesystem', '@modelcontextprotocol/server-filesystem@2026.8.31', ({ work }) => ({
      args: [notes(join(work, 'given'))],
      roots: [notes(join(work, 'root'))],
      calls: fileCalls(join(work, 'root'), join(work, 'given')),
    })),
    name: 'filesystem with roots',
    normalize: [[/(created|modified|accessed): [^\\]*/g, '$1: TIME']],
  },
  published('memory', '@modelcontextprotocol/server-memory@2026.8.31', ({ work }) => ({
    env: { MEMORY_FILE_PATH: join(work, 'memory.jsonl') },
    calls: [
      tool('create_entities', {
        entities: [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }],
      }),
      tool('search_nodes', { query: 'programs' }),
      tool('read_graph'),
      tool('add_observations', { observations: [{ entityName: 'Nobody', contents: ['x'] }] }),
    ],
  })),
  published('sequential-thinking', '@modelcontextprotocol/server-sequential-thinking@2026.8.31', {
    calls: [
      tool('sequentialthinking', {
        thought: 'First',
        nextThoughtNeeded: true,
        thoughtNumber: 1,
        totalThoughts: 2,
      }),
    ],
  }),
]

function fileCalls(allowed, forbidden) {
  return [
    tool('list_allowed_directories'),
    tool('list_directory', { path: allowed }),
    tool('read_text_file', { path: join(allowed, 'note.txt'), head: 2 }),
    tool('read_text_file', { path: join(allowed, 'none.txt') }),
    tool('list_directory', { path: forbidden }),
    tool('write_file', { path: join(allowed, 'new.txt'), content: 'new' }),
    tool('directory_tree', { path: allowed }),
  ]
}

const FRAMEWORKS = [
  own('mcp-lite', ['mcp-lite@0.10.0', '@hono/node-server@2.1.9', 'zod@4.6.7'], {
    transport: 'http',
    path: '/mcp',
    setup: () => ({ calls: [...ADD, FAIL, ASK, read('lite://users/7')] }),
  }),
  own('fastmcp', ['fastmcp@4.20.16', 'zod@4.6.7'], {
    setup: () => ({
      calls: [
        ...ADD,
        FAIL,
        tool('picture'),
        read('fast://logs/app.log'),
        complete({ type: 'ref/prompt', name: 'commit' }, 'changes', 'b'),
        complete({ type: 'ref/resource', uri: 'fast://logs/{name}.log' }, 'name', 'a'),
      ],
    }),
  }),
  own('tmcp', ['tmcp@1.20.0', '@tmcp/transport-stdio@0.5.0', '@tmcp/adapter-zod@0.1.7', 'zod@4.6.7'], {
    setup: () => ({ calls: [...ADD, FAIL, ASK, read('tiny://users/7')] }),
  }),
  own('sdk-v2', ['@modelcontextprotocol/server@2.4.0', '@modelcontextprotocol/node@2.1.2', 'zod@4.6.7'], {
    setup: () => ({ calls: [...ADD, FAIL, ASK, read('second://users/7')] }),
  }),
  {
    ...own('sdk-v2', ['@modelcontextprotocol/server@2.4.0', '@modelcontextprotocol/node@2.1.2', 'zod@4.6.7']),
    name: 'sdk-v2 over HTTP',
    transport: 'http',
    path: '/mcp',
    setup: () => ({ calls: [...ADD, FAIL, read('second://users/7')] }),
  },
  own('mcp-use', ['mcp-use@2.5.2', 'zod@4.6.7'], {
    transport: 'http',
    path: '/mcp',
    setup: () => ({ calls: [...ADD, FAIL] }),
  }),
  own('mcp-framework', ['mcp-framework@0.2.22', 'zod@4.6.7'], {
    setup: () => ({ calls: [...ADD, tool('add', { a: 0, b: 1 }), prompt('greet', { who: 'Ada' })] }),
  }),
]

const PUBLISHED = [
  published('context7', '@upstash/context7-mcp@4.1.1'),
  published('playwright', '@playwright/mcp@0.0.83', { args: ['--headless'] }),
  published('chrome-devtools', 'chrome-devtools-mcp@1.11.0', { args: ['--headless'] }),
  published('sentry', '@sentry/mcp-server@0.39.0', { args: ['--access-token=dummy'] }),
  published('notion', '@notionhq/notion-mcp-server@2.5.2', { env: { NOTION_TOKEN: 'ntn_dummy' } }),
  published('supabase', '@supabase/mcp-server-supabase@0.13.0', { args: ['--access-token=sbp_dummy'] }),
  published('firecrawl', 'firecrawl-mcp@3.26.0', { env: { FIRECRAWL_API_KEY: 'fc-dummy' } }),
  published('tavily', 'tavily-mcp@0.2.22', { env: { TAVILY_API_KEY: 'tvly-dummy' } }),
  published('exa', 'exa-mcp-server@3.4.1', { env: { EXA_API_KEY: 'dummy' } }),
  published('brave', '@brave/brave-search-mcp-server@2.1.4', { env: { BRAVE_API_KEY: 'dummy' } }),
  published('kubernetes', 'mcp-server-kubernetes@4.1.7'),
  published('github', '@modelcontextprotocol/server-github@2025.4.8', {
    env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'dummy' },
  }),
  published('gitlab', '@modelcontextprotocol/server-gitlab@2025.4.25', {
    env: { GITLAB_PERSONAL_ACCESS_TOKEN: 'dummy' },
  }),
  published('slack', '@modelcontextprotocol/server-slack@2025.4.25', {
    env: { SLACK_BOT_TOKEN: 'xoxb-dummy', SLACK_TEAM_ID: 'T0' },
  }),
  published('google-maps', '@modelcontextprotocol/server-google-maps@0.6.2', {
    env: { GOOGLE_MAPS_API_KEY: 'dummy' },
  }),
  published('puppeteer', '@modelcontextprotocol/server-puppeteer@2025.5.12'),
  published('postgres', '@modelcontextprotocol/server-postgres@0.6.2', {
    args: ['postgresql://127.0.0.1:1/none'],
  }),
  published('redis', '@modelcontextprotocol/server-redis@2025.4.25', { args: ['redis://127.0.0.1:1'] }),
  published('figma', 'figma-developer-mcp@0.13.2', { args: ['--figma-api-key=dummy', '--stdio'] }),
  published('cloudflare', '@cloudflare/mcp-server-cloudflare@0.2.0', {
    args: ['run', '0123456789abcdef0123456789abcdef'],
    env: { CLOUDFLARE_API_TOKEN: 'dummy' },
  }),
  published('desktop-commander', '@wonderwhy-er/desktop-commander@0.2.52', ({ work }) => ({
    env: { HOME: work },
  })),
  published('pdf', '@modelcontextprotocol/server-pdf@2.0.4', { args: ['--stdio'] }),
  published('chart', '@antv/mcp-server-chart@0.9.10'),
  published('eslint', '@eslint/mcp@0.3.13'),
  published('svelte', '@sveltejs/mcp@0.1.26'),
  published('heroku', '@heroku/mcp-server@1.2.8', { env: { HEROKU_API_KEY: 'dummy' } }),
  published('stripe', '@stripe/mcp@0.3.3', { args: ['--api-key=rk_test_dummy'] }),
  published('mermaid', 'mcp-mermaid@0.4.1'),
  published('next-devtools', 'next-devtools-mcp@0.4.0'),
  published('nx', 'nx-mcp@0.25.0'),
  published('shadcn', 'shadcn@4.23.0', { args: ['mcp'] }),
  published('mongodb', 'mongodb-mcp-server@3.0.4', { env: { MDB_MCP_TELEMETRY: 'disabled' } }),
  published('apify', '@apify/actors-mcp-server@0.16.0', { env: { APIFY_TOKEN: 'dummy' } }),
  published('angular', '@angular/cli@22.2.7', { args: ['mcp'] }),
  published('azure', '@azure/mcp@2.0.5', { args: ['server', 'start'] }),
]

export const SERVERS = [...REFERENCE, ...FRAMEWORKS, ...PUBLISHED]
