/**
 * Differences that a proxy may make, each with its reason. `path` is what a difference is printed with; `servers` are
 * the names of those it holds for (default: all); `when` looks at the two values.
 */
const none = (value) => value === undefined || value === false
const EVERYTHING = ['everything', 'everything over HTTP', 'everything over SSE', 'everything without roots']

export const EXPECTED = [
  {
    path: /^capabilities\.(completions|logging|prompts|resources|tools)(\.|$)/,
    when: ({ direct }) => none(direct),
    reason:
      'a proxy declares all that it can pass on, before it knows the server; a list that the server lacks is empty',
  },
  {
    servers: EVERYTHING,
    path: /^capabilities\.tasks$/,
    when: ({ proxied }) => proxied === undefined,
    reason: 'fastmesh has no tasks yet, and so declares none',
  },
  {
    path: /^calls\.no\/such\/method\.error\.(message|data)$/,
    reason: 'a proxy answers by itself that it does not know a method of no revision; the code is the same',
  },
  {
    path: /^calls\.tools\/list \{"cursor":"no such cursor"\}\./,
    reason:
      'a proxy pages lists by itself, and refuses a wrong cursor with -32602, as the protocol says; most servers ignore it',
  },
  {
    path: /^calls\.logging\/setLevel \{"level":"no_such_level"\}\./,
    reason:
      'a proxy keeps the level of each client, and refuses a wrong one with -32602, as the protocol says',
  },
  {
    path: /^(later\.)?(resources|resourceTemplates|prompts)$/,
    when: ({ direct, proxied }) => direct.error?.code === -32601 && proxied.length === 0,
    reason:
      'the server declares the capability but does not know the method of this list: a proxy shows an empty one',
  },
  {
    servers: EVERYTHING,
    path: /^told\.notifications\/tools\/list_changed/,
    reason:
      'the server adds tools right after `initialized`; nobody has listed any by then, and a proxy says nothing of it',
  },
  {
    servers: ['everything', 'everything over SSE'],
    path: /\.progress\[\d+\]$/,
    when: ({ direct }) => direct === undefined,
    reason:
      'the official client drops progress that it receives together with the result; a proxy sends them apart',
  },
  {
    servers: ['everything'],
    path: /^calls\.tools\/call \{"name":"get-env"/,
    reason: 'a process of fastmesh gets LANG as well, which the official client leaves out',
  },
  {
    servers: ['tmcp'],
    path: /^calls\.completion\/complete .*\.error\./,
    reason: 'the server sends `"result":null` where it knows no completion: that is no valid response',
  },
  {
    servers: ['cloudflare'],
    path: /^calls\.tools\/call .*\.result\.(toolResult|content|isError)$/,
    reason: 'the server sends results without `content`, which no revision from 2024-11-05 on allows',
  },
]
